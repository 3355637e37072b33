//! Free ports on loopback.

use anyhow::bail;
use std::{
    net::{Ipv4Addr, TcpListener},
    ops::Range,
    sync::{Mutex, PoisonError},
};

/// Below 32768, where the kernel takes no ports for outgoing connections, so nothing else gets one between the look and
/// the server's start, nor while a killed server is away.
const LAST: u16 = 32_768;

/// Gives out each port once.
pub(crate) struct Ports {
    left: Mutex<Range<u16>>,
}

impl Ports {
    /// From `first` up, or from a place that other processes will hardly choose.
    pub(crate) fn new(first: Option<u16>) -> Self {
        let own = u16::try_from(std::process::id() % 500).unwrap_or_default();
        Self { left: Mutex::new(first.unwrap_or(20_000 + 20 * own)..LAST) }
    }

    /// The next one that nobody listens on.
    ///
    /// # Errors
    /// When there is none up to 32767.
    pub(crate) fn take(&self) -> anyhow::Result<u16> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        match left.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()) {
            Some(port) => Ok(port),
            None => bail!("no free port up to {}", LAST - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_is_free_and_below_the_outgoing_ones_and_given_once() {
        let ports = Ports::new(None);
        let (one, two) = (ports.take().expect("there is one"), ports.take().expect("there are two"));
        assert_ne!(one, two);
        for port in [one, two] {
            assert!((20_000..LAST).contains(&port));
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("it is free");
        }
    }

    #[test]
    fn a_taken_port_is_passed_over() {
        let taken = Ports::new(None).take().expect("there is one");
        let _held = TcpListener::bind((Ipv4Addr::LOCALHOST, taken)).expect("it is free");
        assert_ne!(Ports::new(Some(taken)).take().expect("there is another"), taken);
        assert!(Ports::new(Some(LAST)).take().is_err());
    }
}
