//! Who waits for a call, and how much of it is left.

use segue_ports::bus::BusError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

type Reply = oneshot::Sender<Result<(), BusError>>;

/// One per call, shared by its messages.
pub(super) struct Ticket(Mutex<State>);

struct State {
    left: usize,
    reply: Option<Reply>,
    over: bool,
}

impl Ticket {
    pub(super) fn new(left: usize) -> (Arc<Self>, oneshot::Receiver<Result<(), BusError>>) {
        let (reply, answer) = oneshot::channel();
        (Arc::new(Self(Mutex::new(State { left, reply: Some(reply), over: false }))), answer)
    }

    /// Of one message, for which nobody waits.
    pub(super) fn silent() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { left: 1, reply: None, over: false })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody needs its messages any more.
    pub(super) fn over(&self) -> bool {
        self.state().over
    }

    /// One more message has arrived.
    pub(super) fn arrived(&self) {
        let mut state = self.state();
        state.left = state.left.saturating_sub(1);
        if state.left == 0 && !state.over {
            state.over = true;
            if let Some(reply) = state.reply.take() {
                // Who asked may be gone.
                let _ = reply.send(Ok(()));
            }
        }
    }

    /// The call failed. True when it was the first to fail and nobody was there to hear it.
    pub(super) fn failed(&self, error: &BusError) -> bool {
        let mut state = self.state();
        if std::mem::replace(&mut state.over, true) {
            return false;
        }
        match state.reply.take() {
            Some(reply) => {
                let _ = reply.send(Err(error.clone()));
                false
            }
            None => true,
        }
    }
}
