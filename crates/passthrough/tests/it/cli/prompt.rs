//! Questions on a terminal: a real pseudo-terminal, with a person's keys at its other end.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use super::*;

/// A program that asks on a terminal, and whoever sits before it.
struct Asked {
    child: Child,
    keyboard: File,
    terminal: OwnedFd,
    screen: Arc<Mutex<String>>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Asked {
    fn by(mut command: Command) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let terminal = ioctl_tiocgptpeer(&controller, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        let end = || terminal.try_clone().unwrap();
        let child = command.env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let keyboard = File::from(controller);
        let (mut reader, screen) = (keyboard.try_clone().unwrap(), Arc::new(Mutex::new(String::new())));
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                shown.lock().unwrap().push_str(&text(&bytes[..count]));
            }
        });
        Self { child, keyboard, terminal, screen }
    }

    fn screen(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    /// Waits for something that the terminal comes to.
    fn wait_for(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..400 {
            if is_so(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("no {what}: {}", self.screen());
    }

    /// Waits for a text that comes for the `count`th time.
    fn sees(&self, count: usize, part: &str) {
        self.wait_for(part, |asked| asked.screen().matches(part).count() >= count);
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.terminal).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    fn types(&mut self, line: &str) {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

#[test]
fn breaking_a_hidden_question_off_gives_the_terminal_back() {
    let demo = Demo::start();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut asked = Asked::by(demo.command(&["connection", "create", "--provider", "demo"]));
        asked.wait_for("hidden question", |asked| !asked.echoes());
        kill_process(Pid::from_child(&asked.child), signal).unwrap();
        assert_eq!(asked.child.wait().unwrap().code(), Some(code));
        assert!(asked.echoes());
        asked.sees(1, "\u{1b}[?25h");
    }
}

#[test]
fn what_is_not_known_or_refused_is_asked_again_and_nothing_else() {
    let demo = Demo::start();
    let mut asked = Asked::by(demo.command(&["connection", "create", "--verify"]));
    asked.sees(1, "Provider code");
    asked.types("demmo");
    asked.sees(1, "did you mean `demo`?");
    asked.types("demo");
    asked.sees(1, "API key (api_key)");
    asked.wait_for("hidden question", |asked| !asked.echoes());
    asked.types("wr0ng");
    asked.wait_for("refusal and second question", |asked| {
        asked.screen().split_once("error: ").is_some_and(|(_, after)| after.contains("API key (api_key)"))
    });
    asked.wait_for("hidden question", |asked| !asked.echoes());
    asked.types("bookshop-key-5c0ffee");
    assert_eq!(asked.child.wait().unwrap().code(), Some(0), "{}", asked.screen());
    asked.sees(1, "con_tkn_");
    let screen = asked.screen();
    assert!(!screen.contains("wr0ng") && !screen.contains("bookshop-key"), "{screen}");
}

#[test]
fn on_a_terminal_what_follows_a_body_begins_on_its_own_line() {
    let demo = Demo::start();
    let mut asked = Asked::by(demo.command(&["request", "GET", "/orders/7"]));
    assert_eq!(asked.child.wait().unwrap().code(), Some(4));
    asked.sees(1, "order\"}\r\nthe provider answered 404");
}
