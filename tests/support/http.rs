//! A server of HTTP that records what is posted to it and answers as it is told.

use std::collections::VecDeque;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the server does with one request.
#[derive(Debug, Clone)]
pub enum Act {
    /// Answers with this status line and these heads and body.
    Answer(&'static str, &'static str),
    /// Reads the request and then says nothing.
    Silence,
    /// Answers, and then sends a body for ever, a byte at a time.
    Endless,
    /// Closes the connection without reading.
    HangUp,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Posted {
    /// `POST /path HTTP/1.1`.
    pub line: String,
    heads: Vec<(String, String)>,
    /// The document.
    pub body: String,
}

impl Posted {
    /// Returns a head's value.
    pub fn head(&self, name: &str) -> Option<&str> {
        let own = |(head, _): &&(String, String)| head.eq_ignore_ascii_case(name);
        self.heads.iter().find(own).map(|(_, value)| value.as_str())
    }

    /// Reads the document.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

#[derive(Default)]
struct Shared {
    acts: Mutex<VecDeque<Act>>,
    posted: Mutex<Vec<Posted>>,
    stop: AtomicBool,
}

/// The server; without an act that is left it takes everything (204).
pub struct Server {
    /// Its port on 127.0.0.1.
    pub port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server; with a configuration of TLS it speaks nothing else.
    pub fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                if own.stop.load(Ordering::SeqCst) {
                    return;
                }
                let (own, tls) = (Arc::clone(&own), tls.clone());
                std::thread::spawn(move || {
                    let _ = match tls {
                        None => serve(socket, &own),
                        Some(config) => {
                            let connection = ServerConnection::new(config).expect("TLS");
                            serve(StreamOwned::new(connection, socket), &own)
                        }
                    };
                });
            }
        });
        Self { port, shared, acceptor: Some(acceptor) }
    }

    /// Says what is done with the next requests.
    pub fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.shared.acts.lock().expect("a lock").extend(acts);
    }

    /// Returns what was posted so far.
    pub fn posted(&self) -> Vec<Posted> {
        self.shared.posted.lock().expect("a lock").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn serve(stream: impl Read + Write, shared: &Shared) -> std::io::Result<()> {
    let act = shared.acts.lock().expect("a lock").pop_front();
    if matches!(act, Some(Act::HangUp)) {
        return Ok(());
    }
    let mut stream = BufReader::new(stream);
    let posted = read(&mut stream)?;
    shared.posted.lock().expect("a lock").push(posted);
    let stream = stream.get_mut();
    let rest = Duration::from_millis(50);
    match act {
        None => stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?,
        Some(Act::Answer(head, body)) => {
            let length = body.len();
            write!(stream, "HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}")?;
        }
        Some(Act::Silence) => {
            while !shared.stop.load(Ordering::SeqCst) {
                std::thread::sleep(rest);
            }
        }
        Some(Act::Endless) => {
            write!(stream, "HTTP/1.1 500 Oh\r\ncontent-length: 999999999\r\n\r\n")?;
            while !shared.stop.load(Ordering::SeqCst) {
                stream.write_all(b"x")?;
                stream.flush()?;
                std::thread::sleep(rest);
            }
        }
        Some(Act::HangUp) => {}
    }
    stream.flush()
}

fn read(stream: &mut impl std::io::BufRead) -> std::io::Result<Posted> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let mut heads = Vec::new();
    loop {
        let mut head = String::new();
        stream.read_line(&mut head)?;
        let Some((name, value)) = head.trim_end().split_once(": ") else { break };
        heads.push((name.to_owned(), value.to_owned()));
    }
    let mut posted = Posted { line: line.trim_end().to_owned(), heads, body: String::new() };
    let length = posted.head("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    stream.take(length).read_to_string(&mut posted.body)?;
    Ok(posted)
}
