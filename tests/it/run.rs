//! The built program in a place of its own: a fresh folder, a fresh home, none of the machine's
//! settings.
//!
//! `Place` is what lies there, `Run` what is typed, `Ran` what came of it.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::server::Site;

/// The key of pseudonyms in the environment of every run, so that answers are the same each time.
pub const PSEUDONYM_KEY: &str = "9c4fd1a6b0e83752c1a94d7e60fb28359c4fd1a6b0e83752c1a94d7e60fb2835";

/// No run in these tests may take longer.
const PATIENCE: Duration = Duration::from_secs(90);

/// A temporary folder to run in, with a home beside it.
pub struct Place {
    root: TempDir,
}

impl Place {
    /// An empty one.
    pub fn new() -> Self {
        let root = tempfile::Builder::new()
            .prefix("it-")
            .tempdir()
            .unwrap();
        fs::create_dir(root.path().join("work")).unwrap();
        fs::create_dir(root.path().join("home")).unwrap();
        Self { root }
    }

    /// One with files, named by their path from the current folder of the runs.
    pub fn with<N: AsRef<Path>, B: AsRef<[u8]>>(files: impl IntoIterator<Item = (N, B)>) -> Self {
        let place = Self::new();
        for (name, bytes) in files {
            place.file(name, bytes);
        }
        place
    }

    /// Adds a file.
    pub fn file(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The absolute path of something in the current folder of the runs.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root
            .path()
            .join("work")
            .join(name)
    }

    /// The home folder of the runs.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The folder for state of the runs.
    pub fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    /// `fwupload` with these arguments, separated by spaces.
    pub fn run(&self, arguments: &str) -> Run<'_> {
        Run::new(self, env!("CARGO_BIN_EXE_fwupload")).args(arguments.split_whitespace())
    }

    /// The same after commands of a shell, which the program takes the place of.
    #[cfg(unix)]
    pub fn run_after(&self, commands: &str, arguments: &str) -> Run<'_> {
        let script = format!("{commands}; exec \"$0\" \"$@\"");
        Run::new(self, "sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_fwupload")])
            .args(arguments.split_whitespace())
    }

    /// The same under limits of the shell's `ulimit`. A file that grows too large gives an error,
    /// as a full disk does. Shells count files in blocks of 512 or of 1024 bytes.
    #[cfg(unix)]
    pub fn run_limited(&self, limits: &str, arguments: &str) -> Run<'_> {
        self.run_after(&format!("trap '' XFSZ; ulimit {limits}"), arguments)
    }

    /// Another program than `fwupload`, without arguments.
    #[cfg(unix)]
    pub fn program(&self, name: &str) -> Run<'_> {
        Run::new(self, name)
    }

    /// Every file below a folder, as its path from there and its content, in the order of the
    /// paths.
    pub fn tree(&self, folder: impl AsRef<Path>) -> Vec<(String, Vec<u8>)> {
        tree(&self.path(folder))
    }
}

/// A path with `/` as the program writes it: with the separators of the system, but for what stands
/// behind `::`, which is named as the archive has it.
pub fn native(path: &str) -> String {
    let (on_disk, member) = path.split_at(
        path.find("::")
            .unwrap_or(path.len()),
    );
    let on_disk: PathBuf = on_disk.split('/').collect();
    on_disk.to_str().unwrap().to_owned() + member
}

/// Every file below `folder`, as its path from there and its content, in the order of the paths;
/// not those that a run which is still going takes away meanwhile.
pub fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)
            .into_iter()
            .flatten()
        {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .unwrap()
                    .to_string_lossy()
                    .replace('\\', "/");
                match fs::read(&path) {
                    Err(gone) if gone.kind() == std::io::ErrorKind::NotFound => {}
                    read => found.push((name, read.unwrap())),
                }
            }
        }
    }
    found.sort();
    found
}

/// One call of the program.
#[must_use]
pub struct Run<'a> {
    place: &'a Place,
    command: Command,
    stdin: Vec<u8>,
}

impl<'a> Run<'a> {
    fn new(place: &'a Place, program: &str) -> Self {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let name_text = name
                .to_string_lossy()
                .to_ascii_uppercase();
            let steers = [
                "FWUPLOAD_",
                "FLYWHEEL_",
                "GITHUB_",
                "XDG_",
                "RUST_LOG",
                "HTTP",
                "ALL_PROXY",
                "NO_PROXY",
                "NO_COLOR",
                "CLICOLOR",
            ];
            if steers
                .iter()
                .any(|prefix| name_text.starts_with(prefix))
            {
                command.env_remove(name);
            }
        }
        command
            .current_dir(place.path(""))
            .env("HOME", place.home());
        command
            .env("XDG_STATE_HOME", place.state())
            .env("FWUPLOAD_PSEUDONYM_KEY", PSEUDONYM_KEY);
        // There the folders of an account are not found by the environment.
        #[cfg(windows)]
        command
            .env("FWUPLOAD_STATE_HOME", place.state().join("fwupload"))
            .env(
                "FWUPLOAD_CONFIG_HOME",
                place
                    .home()
                    .join(".config/fwupload"),
            )
            .env("FLYWHEEL_USER_HOME", place.home());
        // Servers in these tests that are out stay so.
        command.env("FWUPLOAD_RETRY_FOR", "1s");
        Self {
            place,
            command,
            stdin: Vec::new(),
        }
    }

    /// Further arguments, as they are.
    pub fn args<S: AsRef<std::ffi::OsStr>>(
        mut self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes the key of pseudonyms out of the environment.
    pub fn without_pseudonym_key(mut self) -> Self {
        self.command
            .env_remove("FWUPLOAD_PSEUDONYM_KEY");
        self
    }

    /// Talks to this site, with the key in the environment.
    pub fn at(self, site: &Site) -> Self {
        let key = site.key();
        self.env("FWUPLOAD_API_KEY", key)
    }

    /// What stands on standard input; nothing unless given.
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = bytes.as_ref().to_vec();
        self
    }

    /// Starts it, to be ended by [`Running::end`].
    pub fn start(mut self) -> Running<'a> {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().unwrap();
        let bytes = std::mem::take(&mut self.stdin);
        // A program that ends without reading its input closes the pipe; that is its right.
        std::thread::spawn(move || drop(stdin.write_all(&bytes)));
        Running::of(self.place, child)
    }

    /// Starts it with a standard input that stays open and gets no input; the pipe given
    /// back keeps it open.
    pub fn start_waiting(mut self) -> (Running<'a>, std::process::ChildStdin) {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdin = child.stdin.take().unwrap();
        (Running::of(self.place, child), stdin)
    }

    /// Runs it to its end, whatever that is.
    pub fn ends(self) -> Ran<'a> {
        self.start().end()
    }

    /// Runs it and insists on this exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Ran<'a> {
        let ran = self.ends();
        assert_eq!(
            ran.code,
            Some(code),
            "exit code\n--- stdout\n{}\n--- stderr\n{}",
            ran.stdout,
            ran.stderr
        );
        ran
    }
}

/// What came through a pipe until now.
#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<u8>>>);

impl Collected {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).expect("what it prints is UTF-8")
    }
}

fn collect(mut from: impl Read + Send + 'static) -> (Collected, JoinHandle<()>) {
    let collected = Collected::default();
    let into = collected.clone();
    let reader = std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            into.0
                .lock()
                .unwrap()
                .extend(&piece[..length]);
        }
    });
    (collected, reader)
}

/// A run under way.
pub struct Running<'a> {
    place: &'a Place,
    child: Child,
    stdout: (Collected, JoinHandle<()>),
    stderr: (Collected, JoinHandle<()>),
}

impl<'a> Running<'a> {
    fn of(place: &'a Place, mut child: Child) -> Self {
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        Self {
            place,
            child,
            stdout,
            stderr,
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by name, as Ctrl-C does with `INT`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Kills it once `due`, unless it ends before.
    pub fn kill_when(&mut self, due: impl Fn() -> bool) {
        while !due() {
            if self
                .child
                .try_wait()
                .unwrap()
                .is_some()
            {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.child.kill().unwrap();
    }

    /// The first line that it writes to standard output.
    pub fn first_line(&self) -> String {
        let start = Instant::now();
        loop {
            if let Some((line, _)) = self
                .stdout
                .0
                .text()
                .split_once('\n')
            {
                return line.to_owned();
            }
            assert!(
                start.elapsed() < PATIENCE,
                "it says nothing\n--- stderr\n{}",
                self.stderr.0.text()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it handles the signal of this number itself, where the system tells.
    #[cfg(unix)]
    pub fn wait_until_it_catches(&self, number: u32) {
        let status = format!("/proc/{}/status", self.child.id());
        let catches = |status: String| {
            let caught = status
                .lines()
                .find_map(|line| line.strip_prefix("SigCgt:"))?;
            Some(u64::from_str_radix(caught.trim(), 16).ok()? >> (number - 1) & 1 == 1)
        };
        let start = Instant::now();
        while fs::read_to_string(&status)
            .ok()
            .and_then(catches)
            == Some(false)
        {
            assert!(
                start.elapsed() < PATIENCE,
                "it does not catch signal {number}"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What it has said on standard error until now.
    pub fn said(&self) -> String {
        self.stderr.0.text()
    }

    /// Waits until it says this on standard error.
    #[track_caller]
    pub fn wait_until_it_says(&self, text: &str) {
        let start = Instant::now();
        while !self.stderr.0.text().contains(text) {
            assert!(
                start.elapsed() < PATIENCE,
                "it does not say `{text}`\n--- stderr\n{}",
                self.stderr.0.text()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> Ran<'a> {
        let start = Instant::now();
        let (mut peak_kib, mut cpu) = (None, None);
        let status = loop {
            peak_kib = peak_memory(self.child.id()).or(peak_kib);
            cpu = cpu_time(self.child.id()).or(cpu);
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                panic!(
                    "it did not end within {} seconds\n--- stderr\n{}",
                    PATIENCE.as_secs(),
                    self.stderr.0.text()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |(collected, reader): (Collected, JoinHandle<()>)| {
            reader.join().unwrap();
            collected.text()
        };
        Ran {
            place: self.place,
            code: status.code(),
            stdout: text(self.stdout),
            stderr: text(self.stderr),
            peak_kib,
            cpu,
        }
    }
}

/// The most memory that a process has held until now, in KiB, where the system tells.
fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .ok()
}

/// The processor time that a process has used until now, where the system tells.
fn cpu_time(process: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in brackets may hold blanks; user and system time are the 14th and 15th field, in
    // hundredths.
    let fields: Vec<&str> = stat
        .rsplit_once(')')?
        .1
        .split_whitespace()
        .collect();
    let ticks: u64 = fields
        .get(11)?
        .parse::<u64>()
        .ok()?
        + fields
            .get(12)?
            .parse::<u64>()
            .ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// What came of a run.
pub struct Ran<'a> {
    place: &'a Place,
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The most memory it held, in KiB, where the system tells.
    pub peak_kib: Option<u64>,
    /// The processor time it used, where the system tells: what else runs does not count.
    pub cpu: Option<Duration>,
}

impl Ran<'_> {
    /// Insists that a text stands on standard error.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(
            self.stderr.contains(text),
            "`{text}` is missing in\n{}",
            self.stderr
        );
        self
    }

    /// Insists that a text does not stand on standard error.
    #[track_caller]
    pub fn does_not_say(&self, text: &str) -> &Self {
        assert!(
            !self.stderr.contains(text),
            "`{text}` stands in\n{}",
            self.stderr
        );
        self
    }

    /// The events of `--json`, in order.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in the event {line}"))
            })
            .collect()
    }

    /// The events of `--json` of one type.
    #[track_caller]
    pub fn events_of(&self, kind: &str) -> Vec<Value> {
        self.events()
            .into_iter()
            .filter(|event| event["type"] == kind)
            .collect()
    }

    /// The text of the notice with this code.
    #[track_caller]
    pub fn notice(&self, code: &str) -> String {
        let notices = self.events_of("notice");
        let found = notices
            .iter()
            .find(|notice| notice["code"] == code);
        found.unwrap_or_else(|| panic!("no {code} in {notices:?}"))["text"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The last event, which must be of this type.
    #[track_caller]
    pub fn end_of(&self, kind: &str) -> Value {
        let last = self
            .events()
            .pop()
            .expect("there are events");
        assert_eq!(last["type"], kind);
        last
    }

    /// The last event.
    #[track_caller]
    pub fn end(&self) -> Value {
        self.end_of("end")
    }

    /// The failures in the report in its usual place. A rehearsal writes none there: its events
    /// tell of them, where it has some.
    #[track_caller]
    pub fn report(&self) -> Vec<Value> {
        let Ok(text) = fs::read_to_string(
            self.place
                .path("fwupload-failures.jsonl"),
        ) else {
            return self.failed_events();
        };
        let records = text.lines().map(|line| {
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in the report's {line}"))
        });
        records
            .filter(|record: &Value| record["type"] == "failed")
            .collect()
    }

    fn failed_events(&self) -> Vec<Value> {
        if self.stdout.starts_with('{') {
            self.events_of("failed")
        } else {
            Vec::new()
        }
    }

    /// The failures of the report, as file name and code, sorted.
    #[track_caller]
    pub fn failures(&self) -> Vec<(String, String)> {
        let text = |value: &Value| {
            value
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let name = |path: String| {
            Path::new(&path)
                .file_name()
                .map(|n| n.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        let failed = self.report().into_iter();
        let mut failures: Vec<_> = failed
            .map(|record| (name(text(&record["path"])), text(&record["code"])))
            .collect();
        failures.sort();
        failures
    }
}
