//! Whether a server answers in its own protocol. An open port is not enough: most open it long before they can serve.

use serde::{Deserialize, Serialize};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// As long as a healthy but busy server may take for one answer.
const LIMIT: Duration = Duration::from_secs(2);

/// A question and what the beginning of a good answer contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Probe {
    pub(crate) port: u16,
    ask: String,
    expect: String,
}

impl Probe {
    /// A page that must answer with 200.
    pub(crate) fn http(port: u16, path: &str) -> Self {
        Self { port, ask: request(path), expect: " 200 ".into() }
    }

    /// Any HTTP answer at all.
    pub(crate) fn any_http(port: u16) -> Self {
        Self { port, ask: request("/"), expect: "HTTP/1.".into() }
    }

    /// `PING` and `+PONG`.
    pub(crate) fn redis(port: u16) -> Self {
        Self { port, ask: "PING\r\n".into(), expect: "+PONG".into() }
    }

    /// The protocol header of AMQP 0-9-1; the broker presents itself in Connection.Start.
    pub(crate) fn amqp(port: u16) -> Self {
        Self { port, ask: "AMQP\0\0\u{9}\u{1}".into(), expect: "RabbitMQ".into() }
    }

    /// The start-up message of protocol 3.0 for the user postgres, which is trusted; `R` means authenticated. While it
    /// recovers the server answers with an error.
    pub(crate) fn postgres(port: u16) -> Self {
        let ask = "\0\0\0\u{17}\0\u{3}\0\0user\0postgres\0\0".into();
        Self { port, ask, expect: "R\0\0\0\u{8}\0\0\0\0".into() }
    }

    /// `n` asks an Erlang port mapper for names; its answer begins with its own port in four bytes.
    pub(crate) fn epmd(port: u16) -> Self {
        Self { port, ask: "\0\u{1}n".into(), expect: "\0".into() }
    }

    /// Whether the answer is the expected one; false on every fault.
    pub(crate) fn passes(&self) -> bool {
        exchange(self.port, &self.ask, 4096).is_ok_and(|answer| contains(&answer, self.expect.as_bytes()))
    }
}

/// The body of a page.
///
/// # Errors
/// When it cannot be fetched within 2 s.
pub(super) fn get(port: u16, path: &str) -> std::io::Result<String> {
    let answer = exchange(port, &request(path), 1 << 20)?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    Ok(text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

/// HTTP/1.0, so that the server closes at the end.
fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
}

/// Reads until the end, the limit, or a pause once something came: protocols other than HTTP keep the line open.
fn exchange(port: u16, ask: &str, limit: usize) -> std::io::Result<Vec<u8>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(ask.as_bytes())?;
    let http = ask.starts_with("GET ");
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while answer.len() < limit {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
            Err(_) if !answer.is_empty() => break,
            Err(error) => return Err(error),
        }
        if !http {
            break;
        }
    }
    Ok(answer)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::TcpListener, thread};

    /// A server for one connection that answers with these words.
    fn server(answer: &'static str) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut asked = [0; 256];
            let _ = stream.read(&mut asked).expect("a question");
            stream.write_all(answer.as_bytes()).expect("it is sent");
        });
        port
    }

    #[test]
    fn only_the_expected_answer_passes() {
        assert!(Probe::http(server("HTTP/1.1 200 OK\r\n\r\n{}"), "/").passes());
        assert!(!Probe::http(server("HTTP/1.1 503 Service Unavailable\r\n\r\n"), "/").passes());
        assert!(Probe::any_http(server("HTTP/1.1 400 Bad Request\r\n\r\n")).passes());
        assert!(Probe::redis(server("+PONG\r\n")).passes());
        assert!(!Probe::redis(server("-LOADING Redis is loading\r\n")).passes());
        assert!(!Probe::postgres(server("E\0\0\0\u{40}SFATAL\0")).passes());
    }

    #[test]
    fn a_closed_port_does_not_pass() {
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = closed.local_addr().expect("an address").port();
        drop(closed);
        assert!(!Probe::redis(port).passes());
    }

    #[test]
    fn the_length_in_the_start_up_message_is_right() {
        let probe = Probe::postgres(1);
        assert_eq!(probe.ask.as_bytes()[3] as usize, probe.ask.len());
    }

    #[test]
    fn a_page_is_its_body() {
        assert_eq!(
            get(server("HTTP/1.0 503 x\r\nA: b\r\n\r\n{\"a\":1}"), "/").expect("it comes"),
            "{\"a\":1}"
        );
    }
}
