//! Debian's Chromium, driven by `scripts/browser/drive.mjs`, which says what each step does.
//!
//! With `PASSTHROUGH_TEST_SCREENSHOTS` set to a folder, the pictures that the stories take are kept there.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A running browser with one profile. It ends when the value is dropped, or this process.
pub struct Chromium {
    child: Child,
    steps: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    screenshots: Option<PathBuf>,
}

/// A phone of the small kind.
pub fn phone() -> Value {
    json!({ "viewport": { "width": 360, "height": 640 }, "isMobile": true, "hasTouch": true })
}

impl Chromium {
    /// Starts it with a profile (options of Playwright's `newContext`).
    pub fn start(profile: &Value) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut child = Command::new("node")
            .arg(root.join("scripts/browser/drive.mjs"))
            .arg(root.join(".tools/browser"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("node cannot be started: {error}; hint: make test"));
        let (steps, answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        #[expect(
            clippy::disallowed_methods,
            reason = "whoever runs the test, not the program, wants pictures"
        )]
        let screenshots = std::env::var("PASSTHROUGH_TEST_SCREENSHOTS").ok().map(PathBuf::from);
        let mut chromium = Self { child, steps, answers, screenshots };
        chromium.profile(profile);
        chromium
    }

    /// One step; fails with what the page shows where it cannot be done.
    #[track_caller]
    pub fn step(&mut self, step: &Value) -> Value {
        writeln!(self.steps.as_mut().unwrap(), "{step}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let mut answer: Value = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("{step}: scripts/browser/drive.mjs ended; its reason is above"));
        if let Some(error) = answer["error"].as_str() {
            panic!("{error}");
        }
        answer["ok"].take()
    }

    /// A new profile without cookies.
    #[track_caller]
    pub fn profile(&mut self, profile: &Value) {
        self.step(&json!(["profile", profile]));
    }

    #[track_caller]
    pub fn open(&mut self, url: &str) {
        self.step(&json!(["open", url]));
    }

    /// Waits until a text is seen.
    #[track_caller]
    pub fn see(&mut self, text: &str) {
        self.step(&json!(["see", text]));
    }

    /// Waits for an address that begins so; gives all of it.
    #[track_caller]
    pub fn reach(&mut self, start: &str) -> String {
        self.step(&json!(["reach", start])).as_str().unwrap().to_owned()
    }

    /// Clicks a button or link by its name.
    #[track_caller]
    pub fn click(&mut self, name: &str) {
        self.step(&json!(["click", name]));
    }

    /// Fills in a field by its label.
    #[track_caller]
    pub fn fill(&mut self, label: &str, value: &str) {
        self.step(&json!(["fill", label, value]));
    }

    #[track_caller]
    pub fn press(&mut self, key: &str) {
        self.step(&json!(["press", key]));
    }

    /// Types, wherever the focus is.
    #[track_caller]
    pub fn type_in(&mut self, text: &str) {
        self.step(&json!(["type", text]));
    }

    /// What the page says.
    #[track_caller]
    pub fn text(&mut self) -> String {
        self.step(&json!(["text"])).as_str().unwrap().to_owned()
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub fn evaluate(&mut self, expression: &str) -> Value {
        self.step(&json!(["evaluate", expression]))
    }

    /// Fails where the page breaks a guideline on accessibility.
    #[track_caller]
    pub fn assert_accessible(&mut self) {
        let violations = self.step(&json!(["axe"]));
        assert_eq!(violations, json!([]), "{violations:#}");
    }

    /// Fails where the page is wider than its window.
    #[track_caller]
    pub fn assert_not_cut_off(&mut self) {
        let excess =
            self.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(excess, 0, "{}", self.text());
    }

    /// Fails where the browser complained of a page that begins so: a policy that was broken, a script that failed,
    /// something that was not loaded.
    #[track_caller]
    pub fn assert_no_complaints(&mut self, of: &str) {
        let all = self.step(&json!(["complaints"]));
        let own = |complaint: &&Value| complaint["page"].as_str().is_some_and(|page| page.starts_with(of));
        let own: Vec<&Value> = all.as_array().unwrap().iter().filter(own).collect();
        assert!(own.is_empty(), "{own:#?}");
    }

    /// Whether pictures are wanted.
    pub fn is_pictured(&self) -> bool {
        self.screenshots.is_some()
    }

    /// A picture of the page, where pictures are wanted.
    #[track_caller]
    pub fn shot(&mut self, name: &str) {
        if let Some(folder) = &self.screenshots {
            let path = folder.join(format!("{name}.png"));
            self.step(&json!(["shot", path]));
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        drop(self.steps.take());
        let _ = self.child.wait();
    }
}
