//! The task that publishes.

use super::{
    Call, Setting,
    flight::{Flight, Item, Landed},
    ticket::Ticket,
};
use crate::rabbit::{limit::within, link::Session};
use lapin::{Channel, options::ConfirmSelectOptions};
use segue_ports::bus::BusError;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// How often it is looked at whether something waits too long, and whether a lost channel can be opened again.
const TICK: Duration = Duration::from_millis(200);

/// Wait before a queue that is gone is declared again: the broker has to tell its consumers first, or it moves them
/// to the new queue quietly, and delivers nothing to them.
const MOURNING: Duration = Duration::from_secs(1);

/// A channel in confirm mode.
struct Open {
    session: Arc<Session>,
    channel: Arc<Channel>,
}

pub(super) struct Task {
    setting: Setting,
    calls: mpsc::Receiver<Call>,
    open: Option<Open>,
    pending: VecDeque<Item>,
    flight: Flight,
    /// No queue took them.
    returned: Vec<Item>,
    /// When something was confirmed last, or began to wait.
    progress: Instant,
}

impl Task {
    pub(super) fn new(setting: Setting, calls: mpsc::Receiver<Call>) -> Self {
        Self {
            setting,
            calls,
            open: None,
            pending: VecDeque::new(),
            flight: Flight::default(),
            returned: Vec::new(),
            progress: Instant::now(),
        }
    }

    fn idle(&self) -> bool {
        self.pending.is_empty() && self.flight.is_empty()
    }

    pub(super) async fn run(mut self) {
        let ended = self.setting.ended.clone();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let work = async {
            self.reopen().await;
            loop {
                if !self.returned.is_empty() {
                    self.repair().await;
                }
                self.send();
                tokio::select! {
                    biased;
                    landed = self.flight.landed(), if !self.flight.is_empty() => self.landed(landed),
                    () = self.setting.link.changed() => self.reopen().await,
                    call = self.calls.recv(), if self.pending.len() < self.setting.window => match call {
                        Some(call) => self.accept(call),
                        None => return,
                    },
                    _ = ticks.tick() => self.tick().await,
                }
            }
        };
        tokio::select! {
            biased;
            () = ended.cancelled() => {}
            () = work => {}
        }
        self.fail_all(&BusError::Closed);
    }

    fn accept(&mut self, call: Call) {
        if self.idle() {
            self.progress = Instant::now();
        }
        let Call { messages, ticket } = call;
        let item = |outgoing| Item { ticket: Arc::clone(&ticket), outgoing, returns: 0 };
        self.pending.extend(messages.into_iter().map(item));
    }

    /// Fills the window.
    fn send(&mut self) {
        let Some(open) = &self.open else { return };
        while self.flight.len() < self.setting.window {
            match self.pending.pop_front() {
                Some(item) if item.ticket.over() => {}
                Some(item) => self.flight.send(Arc::clone(&open.channel), item),
                None => return,
            }
        }
    }

    fn landed(&mut self, first: Landed) {
        let mut arrived = 0;
        let mut next = Some(first);
        while let Some(landed) = next {
            match landed {
                Landed::Arrived(item) => {
                    arrived += 1;
                    item.ticket.arrived();
                }
                Landed::Returned(item) => self.returned.push(item),
                Landed::Refused(item) => {
                    let error = BusError::unavailable("the broker could not keep a message");
                    self.fail(&item.ticket, &error);
                }
                Landed::Lost(error) => {
                    tracing::debug!(%error, "publishing channel is lost");
                    self.lose();
                    break;
                }
            }
            next = self.flight.try_landed();
        }
        self.returned.extend(self.flight.strays());
        if arrived > 0 {
            self.progress = Instant::now();
            metrics::counter!("segue_bus_confirmed_total").increment(arrived);
        }
    }

    fn fail(&self, ticket: &Ticket, error: &BusError) {
        if ticket.failed(error) {
            self.setting.lost.notify_one();
        }
    }

    /// Without its channel, what is unconfirmed has to be published again, before what came later.
    fn lose(&mut self) {
        self.open = None;
        for item in self.flight.abandon().rev() {
            if !item.ticket.over() {
                self.pending.push_front(item);
            }
        }
    }

    /// Follows the link to its present session.
    async fn reopen(&mut self) {
        let session = self.setting.link.now();
        if let (Some(session), Some(open)) = (&session, &self.open)
            && Arc::ptr_eq(session, &open.session)
            && open.channel.status().connected()
        {
            return;
        }
        self.lose();
        let Some(session) = session.filter(|session| session.alive()) else { return };
        let opened = async {
            let channel = session.channel().await?;
            let confirm = channel.confirm_select(ConfirmSelectOptions::default());
            within(self.setting.limit, "asking for confirms", confirm).await?;
            Ok::<_, crate::rabbit::limit::Fault>(channel)
        };
        match opened.await {
            Ok(channel) => self.open = Some(Open { session, channel: Arc::new(channel) }),
            Err(error) => tracing::warn!(%error, "no channel to publish on"),
        }
    }

    /// A queue that should have taken a message is gone: everything is declared again, and the message published once
    /// more.
    async fn repair(&mut self) {
        tokio::time::sleep(MOURNING).await;
        let declared = match &self.open {
            Some(open) => self.setting.topology.declare_all(&open.session).await,
            None => Ok(()),
        };
        if let Err(error) = declared {
            tracing::warn!(%error, "a queue is gone and could not be declared again");
        }
        for mut item in std::mem::take(&mut self.returned).into_iter().rev() {
            item.returns += 1;
            if item.returns > 1 {
                let error =
                    BusError::unavailable(format!("no queue takes messages for {}", item.outgoing.key));
                self.fail(&item.ticket, &error);
            } else {
                self.pending.push_front(item);
            }
        }
    }

    async fn tick(&mut self) {
        if !self.idle() && self.progress.elapsed() >= self.setting.limit {
            self.give_up().await;
        } else if self.open.is_none() && self.setting.link.up() {
            // The channel alone was lost, most likely over an exchange that is gone.
            if let Some(session) = self.setting.link.now()
                && let Err(error) = self.setting.topology.declare_all(&session).await
            {
                tracing::warn!(%error, "exchanges and queues could not be declared again");
            }
            self.reopen().await;
        }
    }

    /// Nothing was confirmed for too long: who waits is told, and the channel is not trusted any more.
    async fn give_up(&mut self) {
        let blocked = self.open.as_ref().is_some_and(|open| open.session.blocked());
        let why = match &self.open {
            Some(_) if blocked => "the broker is short of memory or disk and takes no messages",
            Some(_) => "the broker does not confirm",
            None => "there is no connection to the broker",
        };
        self.fail_all(&BusError::unavailable(why));
        self.progress = Instant::now();
        // What a blocked broker has in its pipe arrives some time, and another connection would be blocked as well.
        if !blocked {
            self.lose();
            self.pending.clear();
            self.reopen().await;
        }
    }

    fn fail_all(&mut self, error: &BusError) {
        for item in self.flight.items().chain(&self.pending).chain(&self.returned) {
            self.fail(&item.ticket, error);
        }
        self.pending.clear();
        self.returned.clear();
        while let Ok(call) = self.calls.try_recv() {
            self.fail(&call.ticket, error);
        }
    }
}
