//! A Flywheel site to run against: the embedded sandbox behind a small proxy that records every
//! request and can misbehave.
//!
//! Rules make the proxy answer for the server, cut connections, or let the server act and lose its
//! answer. What no rule matches goes through. The proxy speaks HTTP by hand, so that it sees the
//! bytes as they came.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use flywheel_sandbox::{Options, ProfileLevel, Sandbox};
use tempfile::TempDir;

/// A request as it came in.
#[derive(Clone)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The status that it was answered with; 0 where the connection was cut.
    pub answered: u16,
}

impl Request {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// All of it, for a search.
    pub fn everything(&self) -> Vec<u8> {
        let mut all = format!(
            "{} {}\n",
            self.method,
            percent_encoding::percent_decode_str(&self.target).decode_utf8_lossy()
        );
        all.extend(
            self.headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}\n")),
        );
        [all.as_bytes(), &self.body].concat()
    }
}

/// What a rule does.
#[derive(Clone)]
enum Act {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// Reads no more than this many bytes of the body, then hangs up.
    Cut { after: usize },
    /// The server does what it is asked to; its answer gets lost.
    LoseAnswer,
    /// Keeps the connection open for this long, then lets the request through.
    Delay(Duration),
    /// Breaks the connection off with an RST once the request was read.
    Reset,
    /// Reads the request, or not even its body, and says nothing more.
    Stall { read: bool },
    /// Announces this many bytes more (or fewer) than it sends of the server's answer, and hangs
    /// up.
    WrongLength(i64),
    /// Sends the server's answer up to the middle of its body, then says nothing more.
    HalfAnswer,
    /// Sends an endless answer, a few bytes now and then.
    Drip,
    /// Lets the server act and changes the text of its answer.
    Edit(fn(&str) -> String),
    /// Waits until the test opens the gate, then lets the request through.
    Hold(Gate),
}

/// Holds requests until it is opened.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<(usize, bool)>, Condvar)>);

impl Gate {
    /// Waits until a request is held.
    pub fn wait_for_request(&self) {
        let (state, changed) = &*self.0;
        let waiting = changed
            .wait_timeout_while(state.lock().unwrap(), PATIENCE, |(held, _)| *held == 0)
            .unwrap();
        assert!(!waiting.1.timed_out(), "no request came");
    }

    /// Lets everything through from now on.
    pub fn open(&self) {
        self.0.0.lock().unwrap().1 = true;
        self.0.1.notify_all();
    }

    fn hold(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.0 += 1;
        changed.notify_all();
        let _ = changed
            .wait_timeout_while(state, PATIENCE, |(_, open)| !*open)
            .unwrap();
    }
}

/// Nothing in here waits longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happens to certain requests: [`on`] says to which.
#[derive(Clone)]
pub struct Rule {
    method: &'static str,
    pattern: &'static str,
    skip: usize,
    left: usize,
    act: Act,
}

/// Requests with this method and path. `*` in the pattern stands for one segment; a query that it
/// names has to start the request's query, else any will do.
pub fn on(method: &'static str, pattern: &'static str) -> Rule {
    Rule {
        method,
        pattern,
        skip: 0,
        left: usize::MAX,
        act: Act::Cut { after: 0 },
    }
}

impl Rule {
    /// Only the first `n` of them.
    pub fn times(mut self, n: usize) -> Self {
        self.left = n;
        self
    }

    /// Lets the first `n` of them through.
    pub fn after(mut self, n: usize) -> Self {
        self.skip = n;
        self
    }

    /// Answers with an error in the shape of Flywheel's.
    pub fn answer(self, status: u16) -> Self {
        let body = format!(
            r#"{{"status_code":{status},"message":"made up by the test","request_id":"req-42"}}"#
        );
        self.answer_with(status, &body)
    }

    /// Answers with this body.
    pub fn answer_with(mut self, status: u16, body: &str) -> Self {
        self.act = Act::Answer {
            status,
            headers: Vec::new(),
            body: body.to_owned(),
        };
        self
    }

    /// Adds a header to the answer.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Act::Answer { headers, .. } = &mut self.act {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Hangs up after a number of bytes of the body.
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.act = Act::Cut { after: bytes };
        self
    }

    /// Lets the server act, and hangs up instead of answering.
    pub fn lose_answer(mut self) -> Self {
        self.act = Act::LoseAnswer;
        self
    }

    /// Lets it through after a while.
    pub fn delay(mut self, by: Duration) -> Self {
        self.act = Act::Delay(by);
        self
    }

    /// Breaks the connection off with an RST.
    pub fn reset(mut self) -> Self {
        self.act = Act::Reset;
        self
    }

    /// Takes the request and never answers.
    pub fn stall(mut self) -> Self {
        self.act = Act::Stall { read: true };
        self
    }

    /// Does not even take the body.
    pub fn stall_unread(mut self) -> Self {
        self.act = Act::Stall { read: false };
        self
    }

    /// Announces more bytes, or fewer, than it answers.
    pub fn wrong_length(mut self, by: i64) -> Self {
        self.act = Act::WrongLength(by);
        self
    }

    /// Stops in the middle of the answer.
    pub fn half_answer(mut self) -> Self {
        self.act = Act::HalfAnswer;
        self
    }

    /// Answers for ever, a few bytes now and then.
    pub fn drip(mut self) -> Self {
        self.act = Act::Drip;
        self
    }

    /// Changes the text of the server's answer.
    pub fn edit(mut self, change: fn(&str) -> String) -> Self {
        self.act = Act::Edit(change);
        self
    }

    /// Holds the request until the gate is opened.
    pub fn hold(mut self, gate: &Gate) -> Self {
        self.act = Act::Hold(gate.clone());
        self
    }

    fn matches(&self, method: &str, target: &str) -> bool {
        let (path, query) = target
            .split_once('?')
            .unwrap_or((target, ""));
        let (pattern, wanted) = self
            .pattern
            .split_once('?')
            .unwrap_or((self.pattern, ""));
        let (mut segments, mut wanted_segments) = (path.split('/'), pattern.split('/'));
        let same = wanted_segments.by_ref().all(|w| {
            segments
                .next()
                .is_some_and(|s| w == "*" || w == s)
        });
        self.left > 0
            && self.method == method
            && same
            && segments.next().is_none()
            && query.starts_with(wanted)
    }
}

/// How a site is set up.
#[must_use]
pub struct Setup {
    rules: Vec<Rule>,
    profile: Option<(ProfileLevel, String)>,
    signed_urls: bool,
    deid_log: bool,
}

impl Setup {
    /// Adds a rule; the first that matches counts.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Puts a de-identification profile, as YAML, into the settings of a level.
    pub fn profile(mut self, level: ProfileLevel, yaml: &str) -> Self {
        self.profile = Some((level, yaml.to_owned()));
        self
    }

    /// Has the site offer signed URLs.
    pub fn signed_urls(mut self) -> Self {
        self.signed_urls = true;
        self
    }

    /// Has the site keep a log of de-identification, at an address of its own.
    pub fn deid_log(mut self) -> Self {
        self.deid_log = true;
        self
    }

    /// Opens the site.
    pub fn start(self) -> Site {
        let dir = tempfile::Builder::new()
            .prefix("site-")
            .tempdir()
            .unwrap();
        let mut options = Options::new(dir.path().join("data"));
        options.project = Some(("demo".to_owned(), "phantom".to_owned()));
        if let Some((level, yaml)) = self.profile {
            options.profile = Some(serde_saphyr::from_str(&yaml).unwrap());
            options.profile_level = level;
        }
        options.signed_urls = self.signed_urls;
        options.deid_log = self.deid_log;
        options.api_key = Some("sandbox-key-of-the-tests".to_owned());
        let sandbox = flywheel_sandbox::start(options).expect("the sandbox starts");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            upstream: sandbox.addr(),
            address,
            rules: Mutex::new(self.rules),
            requests: Mutex::new(Vec::new()),
            out: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
        });
        let proxy = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener
                .incoming()
                .map_while(Result::ok)
            {
                let proxy = Arc::clone(&proxy);
                // Whatever goes wrong with one connection is what the program under test has to
                // cope with.
                std::thread::spawn(move || drop(proxy.serve(stream)));
            }
        });
        Site {
            sandbox,
            dir,
            address,
            shared,
        }
    }
}

/// A running site.
pub struct Site {
    // Stops before its folder goes.
    sandbox: Sandbox,
    dir: TempDir,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Site {
    /// A site with the empty project `demo/phantom` and no profile.
    pub fn start() -> Self {
        Self::setup().start()
    }

    /// A site to set up.
    pub fn setup() -> Setup {
        Setup {
            rules: Vec::new(),
            profile: None,
            signed_urls: false,
            deid_log: false,
        }
    }

    /// Its address, as users name a site.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A key that it accepts, in the form that users type.
    pub fn key(&self) -> String {
        format!(
            "127.0.0.1:{}:__force_insecure:{}",
            self.address.port(),
            self.sandbox.api_key()
        )
    }

    /// Asks the server for something behind the back of the program.
    pub fn post(&self, path: &str, json: &str) {
        self.ask("POST", path, json);
    }

    /// Asks the server for something behind the back of the program, and insists on an answer.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, json: &str) -> serde_json::Value {
        let (key, length) = (self.sandbox.api_key(), json.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: scitran-user {key}\r\n",
            self.address
        );
        let head = format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n");
        let answer = self
            .shared
            .forward(&format!("{head}connection: close\r\n\r\n"), json.as_bytes())
            .unwrap();
        assert_eq!(
            status_of(&answer),
            200,
            "{}",
            String::from_utf8_lossy(&answer)
        );
        let at = answer
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .unwrap()
            + 4;
        serde_json::from_slice(&answer[at..]).unwrap()
    }

    /// The containers of a kind in the project, as the server lists them.
    #[track_caller]
    pub fn containers(&self, kind: &str) -> Vec<serde_json::Value> {
        let project = self.ask("POST", "/api/lookup", r#"{"path":["demo","phantom"]}"#)["_id"]
            .as_str()
            .unwrap()
            .to_owned();
        match self.ask("GET", &format!("/api/projects/{project}/{kind}"), "") {
            serde_json::Value::Array(list) => list,
            other => panic!("{other}"),
        }
    }

    /// Ends every fault.
    pub fn heal(&self) {
        self.shared
            .out
            .store(false, Ordering::SeqCst);
        self.shared
            .rules
            .lock()
            .unwrap()
            .clear();
    }

    /// Cuts every connection until it is healed.
    pub fn go_out(&self) {
        self.shared
            .out
            .store(true, Ordering::SeqCst);
    }

    /// Waits until the server has dealt with all that reached it, be its sender alive or not.
    pub fn settle(&self) {
        let begin = Instant::now();
        let mut quiet = Instant::now();
        while quiet.elapsed() < Duration::from_millis(100) {
            assert!(
                begin.elapsed() < PATIENCE,
                "the server does not come to rest"
            );
            std::thread::sleep(Duration::from_millis(5));
            if self
                .shared
                .busy
                .load(Ordering::SeqCst)
                > 0
            {
                quiet = Instant::now();
            }
        }
    }

    /// All requests until now.
    pub fn requests(&self) -> Vec<Request> {
        self.shared
            .requests
            .lock()
            .unwrap()
            .clone()
    }

    /// The requests with this method whose path matches the pattern.
    pub fn requests_to(&self, method: &'static str, pattern: &'static str) -> Vec<Request> {
        let rule = on(method, pattern);
        self.requests()
            .into_iter()
            .filter(|r| rule.matches(&r.method, &r.target))
            .collect()
    }

    /// Waits until this number of requests with this method and path have come.
    #[track_caller]
    pub fn wait_for_requests(&self, method: &'static str, pattern: &'static str, count: usize) {
        let begin = Instant::now();
        while self
            .requests_to(method, pattern)
            .len()
            < count
        {
            assert!(
                begin.elapsed() < PATIENCE,
                "only {} came",
                self.requests_to(method, pattern)
                    .len()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The folder in which the server keeps what it received.
    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Every file that the server keeps, its own index included.
    pub fn kept(&self) -> Vec<(String, Vec<u8>)> {
        crate::run::tree(&self.folder())
    }

    /// The files that were uploaded: name and content.
    pub fn uploaded(&self) -> Vec<(String, Vec<u8>)> {
        let is_upload = |name: &str| name.starts_with("demo/");
        self.kept()
            .into_iter()
            .filter(|(name, _)| is_upload(name))
            .map(|(name, bytes)| (base_name(&name), bytes))
            .collect()
    }
}

fn base_name(name: &str) -> String {
    Path::new(name)
        .file_name()
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

struct Shared {
    upstream: SocketAddr,
    address: SocketAddr,
    rules: Mutex<Vec<Rule>>,
    requests: Mutex<Vec<Request>>,
    /// Every connection is cut.
    out: AtomicBool,
    /// Connections that are open.
    busy: AtomicUsize,
}

impl Shared {
    fn serve(&self, client: TcpStream) -> std::io::Result<()> {
        self.busy
            .fetch_add(1, Ordering::SeqCst);
        let served = self.serve_one(client);
        self.busy
            .fetch_sub(1, Ordering::SeqCst);
        served
    }

    fn serve_one(&self, mut client: TcpStream) -> std::io::Result<()> {
        if self.out.load(Ordering::SeqCst) {
            return client.shutdown(Shutdown::Both);
        }
        client.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut reader = BufReader::new(client.try_clone()?);
        let (mut request, head) = read_head(&mut reader)?;
        if request
            .header("transfer-encoding")
            .is_some()
        {
            // A body without an exact Content-Length is never right; storage hosts refuse it too.
            self.record(request, 411);
            return client.write_all(&answer(411, &[], "{}"));
        }
        let length: usize = request
            .header("content-length")
            .map_or(0, |value| value.parse().unwrap());
        let act = self.act_on(&request);
        if let Some(Act::Stall { read: false }) = act {
            self.record(request, 0);
            std::thread::sleep(PATIENCE);
            return client.shutdown(Shutdown::Both);
        }
        if let Some(Act::Cut { after }) = act {
            request.body = vec![0; after.min(length)];
            reader.read_exact(&mut request.body)?;
            self.record(request, 0);
            return client.shutdown(Shutdown::Both);
        }
        request.body = vec![0; length];
        reader.read_exact(&mut request.body)?;
        let answer = match act {
            Some(Act::Answer {
                status,
                headers,
                body,
            }) => answer(status, &headers, &body),
            Some(Act::LoseAnswer) => {
                let lost = self.forward(&head, &request.body)?;
                self.record(request, status_of(&lost));
                return client.shutdown(Shutdown::Both);
            }
            Some(Act::Delay(by)) => {
                std::thread::sleep(by);
                self.forward(&head, &request.body)?
            }
            Some(Act::Hold(gate)) => {
                gate.hold();
                self.forward(&head, &request.body)?
            }
            Some(Act::Reset) => {
                self.record(request, 0);
                return socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO));
            }
            Some(Act::Stall { .. }) => {
                self.record(request, 0);
                std::thread::sleep(PATIENCE);
                return client.shutdown(Shutdown::Both);
            }
            Some(Act::Drip) => {
                self.record(request, 0);
                client.write_all(
                    b"HTTP/1.1 200 Test\r\ncontent-type: \
                    application/json\r\ncontent-length: 1000000\r\n\r\n{",
                )?;
                return (0..300).try_for_each(|_| {
                    std::thread::sleep(Duration::from_millis(100));
                    client.write_all(b" ")
                });
            }
            Some(Act::Edit(change)) => {
                let (status, body) = split(&self.forward(&head, &request.body)?);
                answer(status, &[], &change(&body))
            }
            Some(Act::WrongLength(by)) => {
                let (status, body) = split(&self.forward(&head, &request.body)?);
                let announced = i64::try_from(body.len()).unwrap() + by;
                with_length(&answer(status, &[], &body), announced)
            }
            Some(Act::HalfAnswer) => {
                let whole = self.forward(&head, &request.body)?;
                self.record(request, status_of(&whole));
                client.write_all(&whole[..whole.len() - split(&whole).1.len() / 2 - 1])?;
                std::thread::sleep(PATIENCE);
                return client.shutdown(Shutdown::Both);
            }
            _ => self.forward(&head, &request.body)?,
        };
        self.record(request, status_of(&answer));
        client.write_all(&answer)?;
        client.shutdown(Shutdown::Both)
    }

    fn act_on(&self, request: &Request) -> Option<Act> {
        let mut rules = self.rules.lock().unwrap();
        let rule = rules
            .iter_mut()
            .find(|rule| rule.matches(&request.method, &request.target))?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        rule.left -= usize::from(rule.left != usize::MAX);
        Some(rule.act.clone())
    }

    fn record(&self, mut request: Request, answered: u16) {
        request.answered = answered;
        self.requests
            .lock()
            .unwrap()
            .push(request);
    }

    /// The server's whole answer. It names its own address in signed URLs; they have to lead
    /// through here too.
    fn forward(&self, head: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(self.upstream)?;
        server.write_all(head.as_bytes())?;
        server.write_all(body)?;
        let mut all = Vec::new();
        server.read_to_end(&mut all)?;
        let at = all
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .map_or(all.len(), |at| at + 4);
        let (head, body) = (String::from_utf8_lossy(&all[..at]).into_owned(), &all[at..]);
        let Ok(text) = std::str::from_utf8(body) else {
            return Ok(all);
        };
        if head
            .to_ascii_lowercase()
            .contains("transfer-encoding:")
        {
            return Ok(all);
        }
        let body = text.replace(&self.upstream.to_string(), &self.address.to_string());
        let kept = head.lines().filter(|l| {
            !l.is_empty()
                && !l
                    .to_ascii_lowercase()
                    .starts_with("content-length:")
        });
        let head: String = kept
            .map(|line| format!("{line}\r\n"))
            .collect();
        Ok(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes())
    }
}

/// The request without its body, and its head as it goes on to the server: one request per
/// connection.
fn read_head(reader: &mut impl BufRead) -> std::io::Result<(Request, String)> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line
        .split_whitespace()
        .map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    };
    let mut head = line.clone();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_owned(), value.trim().to_owned()));
        if !name.eq_ignore_ascii_case("connection") {
            head.push_str(&line);
        }
    }
    head.push_str("connection: close\r\n\r\n");
    Ok((
        Request {
            method,
            target,
            headers,
            body: Vec::new(),
            answered: 0,
        },
        head,
    ))
}

fn answer(status: u16, headers: &[(String, String)], body: &str) -> Vec<u8> {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Test\r\ncontent-type: application/json\r\n{headers}connection: \
            close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The status of an answer and its body.
fn split(answer: &[u8]) -> (u16, String) {
    let at = answer
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .map_or(answer.len(), |at| at + 4);
    (
        status_of(answer),
        String::from_utf8_lossy(&answer[at..]).into_owned(),
    )
}

/// The answer with another length announced.
fn with_length(answer: &[u8], announced: i64) -> Vec<u8> {
    let (_, body) = split(answer);
    let head = String::from_utf8_lossy(&answer[..answer.len() - body.len()]).into_owned();
    let head = head.replace(
        &format!("content-length: {}", body.len()),
        &format!("content-length: {announced}"),
    );
    [head.into_bytes(), body.into_bytes()].concat()
}

fn status_of(answer: &[u8]) -> u16 {
    let text = String::from_utf8_lossy(&answer[..answer.len().min(20)]).into_owned();
    text.split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}
