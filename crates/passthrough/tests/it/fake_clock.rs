//! A clock that can be set while a program runs.

use std::fs;
use std::path::PathBuf;

use passthrough_testkit::program::Setup;
use tempfile::TempDir;

/// The clock of programs that are started with it.
pub struct FakeClock {
    folder: TempDir,
}

impl FakeClock {
    /// One that is right.
    pub fn new() -> Self {
        let clock = Self { folder: tempfile::tempdir().unwrap() };
        clock.set("+0");
        clock
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("offset")
    }

    /// Sets it so far from the right time: `+1h`, `-90`.
    pub fn set(&self, offset: &str) {
        let next = self.folder.path().join("next");
        fs::write(&next, offset).unwrap();
        fs::rename(next, self.path()).unwrap();
    }

    /// A program that reads this clock. One that only counts on goes on counting.
    pub fn of(&self, setup: Setup) -> Setup {
        let folders = fs::read_dir("/usr/lib").unwrap().map(|folder| folder.unwrap().path());
        let mut libraries = folders
            .map(|folder| folder.join("faketime/libfaketimeMT.so.1"))
            .filter(|library| library.exists());
        let library = libraries.next().expect("libfaketime; hint: scripts/install-needs test");
        setup
            .variable("LD_PRELOAD", library.to_str().unwrap())
            .variable("FAKETIME_TIMESTAMP_FILE", self.path().to_str().unwrap())
            .variable("FAKETIME_NO_CACHE", "1")
            .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .variable("NO_FAKE_STAT", "1")
    }
}
