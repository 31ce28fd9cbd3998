//! Runs the program, and keeps a demo running for those who need a server.

use super::*;

/// The program, without whatever this machine's environment says to it.
pub(super) fn passthrough() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passthrough"));
    command.env_clear().env("PATH", env!("PATH"));
    command
}

pub(super) fn run(args: &[&str]) -> Output {
    passthrough().args(args).stdin(Stdio::null()).output().unwrap()
}

pub(super) fn run_with_input(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The child, which is told to stop as an operator would.
pub(super) fn terminate(child: &mut std::process::Child) -> std::process::ExitStatus {
    kill_process(Pid::from_child(child), Signal::TERM).unwrap();
    child.wait().unwrap()
}

/// A demo that serves: a server with a provider that checks its key, one API key, one connection.
pub(super) struct Demo {
    child: std::process::Child,
    folder: tempfile::TempDir,
    story: Value,
}

impl Demo {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut child = passthrough()
            .args(["demo", "--listen", "127.0.0.1:0", "--output", "json", "--data-dir"])
            .arg(&data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It goes on serving, so its output does not end; the JSON does.
        let stdout = child.stdout.take().unwrap();
        let story =
            serde_json::Deserializer::from_reader(stdout).into_iter::<Value>().next().unwrap().unwrap();
        Self { child, folder, story }
    }

    pub(super) fn server(&self) -> &str {
        self.story["server"].as_str().unwrap()
    }

    pub(super) fn api_key(&self) -> &str {
        self.story["apiKey"].as_str().unwrap()
    }

    pub(super) fn token(&self) -> &str {
        self.story["connection"]["token"].as_str().unwrap()
    }

    pub(super) fn connection_id(&self) -> &str {
        self.story["connection"]["id"].as_str().unwrap()
    }

    pub(super) fn data_dir(&self) -> String {
        self.folder.path().join("data").to_str().unwrap().to_owned()
    }

    pub(super) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The program, told where this demo is.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = passthrough();
        command
            .args(args)
            .stdin(Stdio::null())
            .env("PASSTHROUGH_SERVER_URL", self.server())
            .env("PASSTHROUGH_API_KEY", self.api_key())
            .env("PASSTHROUGH_CONNECTION_TOKEN", self.token());
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Stops it with a signal; how it ended.
    pub(super) fn stop(mut self) -> Option<i32> {
        terminate(&mut self.child).code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
