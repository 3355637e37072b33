//! Messages on their way to the broker, oldest first.

use super::{Outgoing, ticket::Ticket};
use futures::future::{BoxFuture, FutureExt, MaybeDone, maybe_done};
use lapin::{Channel, Confirmation, message::BasicReturnMessage, options::BasicPublishOptions};
use std::{collections::VecDeque, pin::Pin, sync::Arc, task::Poll};

/// A message that is to be published.
pub(super) struct Item {
    pub(super) ticket: Arc<Ticket>,
    pub(super) outgoing: Outgoing,
    /// How often it came back because no queue took it.
    pub(super) returns: u8,
}

type Answer = lapin::Result<Confirmation>;

struct Sent {
    item: Item,
    answer: MaybeDone<BoxFuture<'static, Answer>>,
    /// The broker gave it back.
    returned: bool,
}

/// The oldest one's end.
pub(super) enum Landed {
    Arrived(Item),
    /// No queue took it.
    Returned(Item),
    /// The broker could not keep it.
    Refused(Item),
    /// The channel is gone; the item is on its way still, as far as anybody knows.
    Lost(lapin::Error),
}

#[derive(Default)]
pub(super) struct Flight {
    sent: VecDeque<Sent>,
    /// Came back after they were held to have arrived.
    strays: Vec<Item>,
}

impl Flight {
    pub(super) fn len(&self) -> usize {
        self.sent.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Sends it off. The first poll is what puts its frames behind those of the one before, so it happens here and in
    /// order; nobody waits until they are written.
    pub(super) fn send(&mut self, channel: Arc<Channel>, item: Item) {
        let Outgoing { exchange, key, mandatory, properties, payload } = item.outgoing.clone();
        let options = BasicPublishOptions { mandatory, immediate: false };
        let publish =
            async move { channel.basic_publish(exchange, key, options, &payload, properties).await?.await };
        let mut answer = maybe_done(publish.boxed());
        let _ = (&mut answer).now_or_never();
        self.sent.push_back(Sent { item, answer, returned: false });
    }

    /// Waits for the end of the oldest. Cancel-safe. Only when there is one.
    pub(super) async fn landed(&mut self) -> Landed {
        std::future::poll_fn(|cx| match self.sent.front_mut() {
            Some(oldest) => Pin::new(&mut oldest.answer).poll(cx),
            None => Poll::Pending,
        })
        .await;
        self.take()
    }

    /// The end of the oldest, if it is there already.
    pub(super) fn try_landed(&mut self) -> Option<Landed> {
        (&mut self.sent.front_mut()?.answer).now_or_never()?;
        Some(self.take())
    }

    fn take(&mut self) -> Landed {
        let Some(mut oldest) = self.sent.pop_front() else {
            unreachable!("only called when the oldest has ended");
        };
        match Pin::new(&mut oldest.answer).take_output() {
            Some(Ok(Confirmation::Ack(returned))) => {
                if let Some(returned) = returned {
                    // The client library hands a returned message to whichever confirm it completes next, so it may be
                    // another one's.
                    if same(&oldest.item, &returned) {
                        oldest.returned = true;
                    } else if let Some(other) =
                        self.sent.iter_mut().find(|sent| !sent.returned && same(&sent.item, &returned))
                    {
                        other.returned = true;
                    } else {
                        self.strays.push(stray(returned));
                    }
                }
                if oldest.returned { Landed::Returned(oldest.item) } else { Landed::Arrived(oldest.item) }
            }
            Some(Ok(Confirmation::Nack(_) | Confirmation::NotRequested)) => Landed::Refused(oldest.item),
            Some(Err(error)) => {
                oldest.answer = MaybeDone::Gone;
                self.sent.push_front(oldest);
                Landed::Lost(error)
            }
            None => unreachable!("an answer is taken once"),
        }
    }

    /// Everything that is unconfirmed, in order. The channel must not be used any more.
    pub(super) fn abandon(&mut self) -> impl DoubleEndedIterator<Item = Item> + use<> {
        std::mem::take(&mut self.sent).into_iter().map(|sent| sent.item)
    }

    /// Messages that came back when nobody waited for them any more.
    pub(super) fn strays(&mut self) -> std::vec::Drain<'_, Item> {
        self.strays.drain(..)
    }

    pub(super) fn items(&self) -> impl Iterator<Item = &Item> {
        self.sent.iter().map(|sent| &sent.item)
    }
}

fn stray(returned: BasicReturnMessage) -> Item {
    let delivery = returned.delivery;
    let outgoing = Outgoing {
        exchange: delivery.exchange,
        key: delivery.routing_key,
        mandatory: true,
        properties: delivery.properties,
        payload: delivery.data.into(),
    };
    Item { ticket: Ticket::silent(), outgoing, returns: 0 }
}

fn same(item: &Item, returned: &BasicReturnMessage) -> bool {
    item.outgoing.properties.message_id() == returned.properties.message_id()
        && item.outgoing.key == returned.routing_key
}
