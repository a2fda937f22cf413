//! An SMTP server on the loopback interface: records what it is given, and misbehaves as told.
//!
//! One thread a connection. Each connection takes the next [`Mischief`] of the script, and so does
//! each further mail on it, unless that is one for the beginning of a connection; when the script is
//! empty the server behaves.
#![allow(dead_code, reason = "not every test needs every part")]

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How the server protects its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Plain,
    Starttls,
    Implicit,
}

/// Where in a conversation something goes wrong: instead of the answer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Greeting,
    Ehlo,
    Starttls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Dot,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mischief {
    /// Nothing.
    Behave,
    /// This line is the answer.
    Say(Step, &'static str),
    /// The connection is closed without an answer.
    Drop(Step),
    /// No answer ever comes.
    Silence(Step),
    /// An answer that never ends, a byte at a time.
    Dribble(Step),
    /// A line without end, as fast as possible.
    Endless(Step),
    /// Bytes that are no text.
    Binary(Step),
    /// The server ends its side of the connection and goes on to listen.
    HalfClose(Step),
    /// The server does not offer STARTTLS.
    StripStarttls,
    /// The server says yes to STARTTLS and then no TLS comes.
    GarbageTls,
    /// Somebody on the way slips an answer in before TLS begins.
    Inject,
}

impl Mischief {
    fn at(self, step: Step) -> Option<Self> {
        let (Self::Say(s, _)
        | Self::Drop(s)
        | Self::Silence(s)
        | Self::Dribble(s)
        | Self::Endless(s)
        | Self::Binary(s)
        | Self::HalfClose(s)) = self
        else {
            return None;
        };
        (s == step).then_some(self)
    }

    /// Whether a mail can meet it on a connection that has carried others.
    fn concerns_a_mail(self) -> bool {
        use Step::{Data, Dot, Mail, Rcpt};
        self == Self::Behave || [Mail, Rcpt, Data, Dot].iter().any(|&s| self.at(s).is_some())
    }
}

/// One message that was given to the server, up to the final dot, whatever was answered to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// What the client calls itself.
    pub hello: String,
    /// Whether the connection was encrypted.
    pub tls: bool,
    /// Who logged in.
    pub user: Option<String>,
    /// The argument of MAIL, as sent.
    pub mail: String,
    /// The address of RCPT.
    pub to: String,
    /// The message, without what dots were added for the way.
    pub message: Vec<u8>,
    /// Whether it was answered with 250.
    pub accepted: bool,
}

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    pub mode: Mode,
    /// User and password it knows; without them AUTH is not offered.
    pub login: Option<(&'static str, &'static str)>,
    /// The only mechanism offered.
    pub mechanism: &'static str,
    /// The name in its certificate.
    pub name: &'static str,
    /// Further EHLO keywords.
    pub offers: &'static [&'static str],
}

impl Setup {
    pub fn new(mode: Mode) -> Self {
        let login = (mode != Mode::Plain).then_some(("exportd", "s3cret pässword"));
        Self { mode, login, mechanism: "PLAIN", name: "localhost", offers: &["8BITMIME"] }
    }
}

struct Shared {
    setup: Setup,
    tls: Arc<ServerConfig>,
    script: Mutex<VecDeque<Mischief>>,
    received: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    logins: AtomicUsize,
    resets: AtomicUsize,
    stop: AtomicBool,
}

/// A running server; ends when dropped.
pub struct Server {
    pub port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
    ca: tempfile::NamedTempFile,
}

impl Server {
    pub fn start(setup: Setup) -> Self {
        let (tls, ca_pem) = certificate(setup.name);
        let mut ca = tempfile::NamedTempFile::new().unwrap();
        ca.write_all(ca_pem.as_bytes()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            setup,
            tls,
            script: Mutex::default(),
            received: Mutex::default(),
            connections: AtomicUsize::new(0),
            logins: AtomicUsize::new(0),
            resets: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        });
        let ours = Arc::clone(&shared);
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming() {
                if ours.stop.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                ours.connections.fetch_add(1, Ordering::SeqCst);
                let ours = Arc::clone(&ours);
                // A client that goes away is part of the game.
                thread::spawn(move || drop(serve(&ours, stream)));
            }
        });
        Self { port, shared, acceptor: Some(acceptor), ca }
    }

    /// Where the certificate of its issuer lies.
    pub fn ca_file(&self) -> PathBuf {
        Path::new(self.ca.path()).to_owned()
    }

    /// Sets what the next connections meet, one each.
    pub fn script(&self, script: impl IntoIterator<Item = Mischief>) {
        *self.shared.script.lock().unwrap() = script.into_iter().collect();
    }

    /// Everything that was received so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How often a mail that was refused was followed by another on its connection.
    pub fn resets(&self) -> usize {
        self.shared.resets.load(Ordering::SeqCst)
    }

    /// How often somebody tried to log in.
    pub fn logins(&self) -> usize {
        self.shared.logins.load(Ordering::SeqCst)
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

/// Makes an authority and a certificate of its for `name` and 127.0.0.1 (unless `name` is to be
/// wrong: then for it alone).
pub fn certificate(name: &str) -> (Arc<ServerConfig>, String) {
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let mut names = vec![name.to_owned()];
    if name == "localhost" {
        names.push("127.0.0.1".into());
    }
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (Arc::new(config), ca_pem)
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
    Gone,
}

impl Stream {
    fn encrypt(&mut self, config: &Arc<ServerConfig>) {
        if let Self::Plain(tcp) = std::mem::replace(self, Self::Gone) {
            let connection = ServerConnection::new(Arc::clone(config)).unwrap();
            *self = Self::Tls(Box::new(StreamOwned::new(connection, tcp)));
        }
    }

    fn socket(&self) -> Option<&TcpStream> {
        match self {
            Self::Plain(tcp) => Some(tcp),
            Self::Tls(tls) => Some(&tls.sock),
            Self::Gone => None,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
            Self::Gone => Ok(0),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
            Self::Gone => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
            Self::Gone => Ok(()),
        }
    }
}

/// One conversation.
struct Talk<'a> {
    shared: &'a Shared,
    stream: Stream,
    pending: Vec<u8>,
    mischief: Mischief,
    hello: String,
    user: Option<String>,
    mails: usize,
    mail: String,
    to: String,
}

fn serve(shared: &Shared, tcp: TcpStream) -> io::Result<()> {
    tcp.set_read_timeout(Some(Duration::from_secs(20)))?;
    tcp.set_nodelay(true)?;
    let mischief = shared.script.lock().unwrap().pop_front().unwrap_or(Mischief::Behave);
    let mut stream = Stream::Plain(tcp);
    if shared.setup.mode == Mode::Implicit {
        stream.encrypt(&shared.tls);
    }
    let mut talk = Talk {
        shared,
        stream,
        pending: Vec::new(),
        mischief,
        hello: String::new(),
        user: None,
        mails: 0,
        mail: String::new(),
        to: String::new(),
    };
    talk.answer(Step::Greeting, "220 test ESMTP")?;
    while let Some(line) = talk.line()? {
        let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
        let argument = argument.to_owned();
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => talk.ehlo(argument)?,
            "STARTTLS" => talk.starttls()?,
            "AUTH" => talk.auth(&argument)?,
            "MAIL" => {
                talk.next_mail();
                talk.mail = argument;
                talk.answer(Step::Mail, "250 2.1.0 ok")?;
            }
            "RCPT" => {
                let start = argument.find('<').map_or(0, |at| at + 1);
                let end = argument.rfind('>').unwrap_or(argument.len());
                talk.to = argument[start..end].to_owned();
                talk.answer(Step::Rcpt, "250 2.1.5 ok")?;
            }
            "DATA" => talk.data()?,
            "RSET" => {
                shared.resets.fetch_add(1, Ordering::SeqCst);
                talk.say("250 2.0.0 ok")?;
            }
            "NOOP" => talk.say("250 still here")?,
            "QUIT" => return talk.say("221 bye"),
            _ => talk.say("500 5.5.1 what?")?,
        }
    }
    Ok(())
}

impl Talk<'_> {
    /// Takes what a further mail on this connection meets.
    fn next_mail(&mut self) {
        if self.mails > 0 {
            let mut script = self.shared.script.lock().unwrap();
            let next = script.pop_front_if(|next| next.concerns_a_mail());
            self.mischief = next.unwrap_or(Mischief::Behave);
        }
        self.mails += 1;
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        self.stream.write_all(format!("{line}\r\n").as_bytes())?;
        self.stream.flush()
    }

    /// Answers, unless something goes wrong here. An error ends the conversation.
    fn answer(&mut self, step: Step, line: &str) -> io::Result<()> {
        let gone = || io::Error::from(io::ErrorKind::ConnectionAborted);
        match self.mischief.at(step) {
            Some(Mischief::Say(_, other)) => self.say(other),
            Some(Mischief::Drop(_)) => Err(gone()),
            Some(Mischief::Silence(_)) => self.wait_until_gone(),
            Some(Mischief::HalfClose(_)) => {
                if let Some(socket) = self.stream.socket() {
                    socket.shutdown(std::net::Shutdown::Write)?;
                }
                self.wait_until_gone()
            }
            Some(Mischief::Dribble(_)) => self.for_ever(b"x", Duration::from_millis(20)),
            Some(Mischief::Endless(_)) => self.for_ever(&[b'2'; 1 << 16], Duration::ZERO),
            Some(Mischief::Binary(_)) => {
                self.stream.write_all(&[0xff, 0x00, 0xfe, b'\r', b'\n', 0x80, b'\r', b'\n'])?;
                self.stream.flush()
            }
            _ => self.say(line),
        }
    }

    fn wait_until_gone(&mut self) -> io::Result<()> {
        let until = Instant::now() + Duration::from_secs(20);
        if let Some(socket) = self.stream.socket() {
            socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        }
        while Instant::now() < until && !self.shared.stop.load(Ordering::SeqCst) {
            match self.stream.read(&mut [0; 256]) {
                Ok(0) => break,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => break,
                _ => {}
            }
        }
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    }

    fn for_ever(&mut self, bytes: &[u8], pause: Duration) -> io::Result<()> {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until && !self.shared.stop.load(Ordering::SeqCst) {
            self.stream.write_all(bytes)?;
            self.stream.flush()?;
            thread::sleep(pause);
        }
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    }

    /// Reads one line without its end; `None` when the client is gone.
    fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(at) = self.pending.windows(2).position(|pair| pair == b"\r\n") {
                let rest = self.pending.split_off(at + 2);
                let line = std::mem::replace(&mut self.pending, rest);
                return Ok(Some(String::from_utf8_lossy(&line[..at]).into_owned()));
            }
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    fn more(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let n = self.stream.read(&mut buffer)?;
        self.pending.extend_from_slice(&buffer[..n]);
        Ok(n > 0)
    }

    fn is_encrypted(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    fn ehlo(&mut self, hello: String) -> io::Result<()> {
        self.hello = hello;
        let setup = &self.shared.setup;
        let mut offers: Vec<String> = setup.offers.iter().map(|&o| o.to_owned()).collect();
        let strip = self.mischief == Mischief::StripStarttls;
        if setup.mode == Mode::Starttls && !self.is_encrypted() && !strip {
            offers.push("STARTTLS".into());
        }
        if setup.login.is_some() && (self.is_encrypted() || setup.mode == Mode::Plain) {
            offers.push(format!("AUTH {}", setup.mechanism));
        }
        let mut lines = String::from("250-test\r\n");
        let last = offers.pop().unwrap_or_else(|| "HELP".into());
        for offer in offers {
            lines.push_str(&format!("250-{offer}\r\n"));
        }
        lines.push_str(&format!("250 {last}"));
        self.answer(Step::Ehlo, &lines)
    }

    fn starttls(&mut self) -> io::Result<()> {
        if self.mischief == Mischief::GarbageTls {
            self.say("220 go ahead\r\n250 this is no TLS")?;
            return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
        }
        if self.mischief == Mischief::Inject {
            self.say("220 go ahead\r\n250-test\r\n250 AUTH PLAIN")?;
        } else {
            self.answer(Step::Starttls, "220 go ahead")?;
        }
        self.stream.encrypt(&self.shared.tls);
        Ok(())
    }

    fn auth(&mut self, argument: &str) -> io::Result<()> {
        self.shared.logins.fetch_add(1, Ordering::SeqCst);
        let (user, password) = if let Some(initial) = argument.strip_prefix("PLAIN ") {
            let text = decode(initial);
            let mut parts = text.split('\0').skip(1);
            let mut next = || parts.next().unwrap_or_default().to_owned();
            (next(), next())
        } else {
            self.say("334 VXNlcm5hbWU6")?;
            let user = self.line()?.unwrap_or_default();
            self.say("334 UGFzc3dvcmQ6")?;
            let password = self.line()?.unwrap_or_default();
            (decode(&user), decode(&password))
        };
        if self.shared.setup.login == Some((&user, &password)) {
            self.user = Some(user);
            self.answer(Step::Auth, "235 2.7.0 welcome")
        } else {
            self.say("535 5.7.8 wrong user or password")
        }
    }

    fn data(&mut self) -> io::Result<()> {
        self.answer(Step::Data, "354 go on")?;
        if matches!(self.mischief.at(Step::Data), Some(Mischief::Say(_, _))) {
            return Ok(());
        }
        let end = loop {
            match self.pending.windows(5).position(|five| five == b"\r\n.\r\n") {
                Some(at) => break at,
                None if self.more()? => {}
                None => return Ok(()),
            }
        };
        let rest = self.pending.split_off(end + 5);
        let mut message = std::mem::replace(&mut self.pending, rest);
        message.truncate(end + 2);
        self.shared.received.lock().unwrap().push(Received {
            hello: self.hello.clone(),
            tls: self.is_encrypted(),
            user: self.user.clone(),
            mail: self.mail.clone(),
            to: self.to.clone(),
            message: unstuff(&message),
            accepted: self.mischief.at(Step::Dot).is_none(),
        });
        self.answer(Step::Dot, "250 2.0.0 queued")
    }
}

/// Takes away the dots that RFC 5321 §4.5.2 adds.
fn unstuff(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        out.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    out
}

/// Decodes base64 (RFC 4648 §4); what is none decodes to something else.
fn decode(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    let (mut bits, mut have) = (0_u32, 0);
    for c in text.bytes() {
        let Some(value) = DIGITS.iter().position(|&d| d == c) else { break };
        bits = bits << 6 | u32::try_from(value).unwrap();
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push(u8::try_from(bits >> have & 0xff).unwrap());
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
