//! Real processes at one file: this test binary starts itself.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use passthrough_vault::Keyring;
use passthrough_vault::keyring_file::{create, load, update};

/// The child finds its keyring by this name in its working folder, so that it needs no argument.
const NAME: &str = "keyring-of-the-child-process.toml";
const CHANGES_PER_CHILD: usize = 10;

#[test]
#[ignore = "is run as a child process by the tests below"]
fn child_adds_some_keys() {
    for _ in 0..CHANGES_PER_CHILD {
        update(Path::new(NAME), |keyring| Ok(keyring.add(1))).unwrap();
    }
}

#[test]
#[ignore = "is run as a child process by the tests below"]
fn child_adds_and_removes_until_it_is_killed() {
    loop {
        let added = update(Path::new(NAME), |keyring| Ok(keyring.add(1))).unwrap();
        update(Path::new(NAME), |keyring| keyring.remove(&added)).unwrap();
    }
}

fn start(folder: &Path, test: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", test])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn processes_that_change_at_once_lose_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    create(&path, &Keyring::generate(0)).unwrap();
    let children: Vec<_> = (0..4).map(|_| start(folder.path(), "processes::child_adds_some_keys")).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(load(&path).unwrap().0.keys().len(), 1 + 4 * CHANGES_PER_CHILD);
}

#[test]
fn a_process_killed_in_the_middle_leaves_a_whole_file_and_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    create(&path, &Keyring::generate(0)).unwrap();
    let primary = load(&path).unwrap().0.primary();
    for round in 0..30u64 {
        let before = fs::metadata(&path).unwrap();
        let mut child = start(folder.path(), "processes::child_adds_and_removes_until_it_is_killed");
        // Kill it at another moment of its work each time, but never before it began.
        while same_file(&before, &fs::metadata(&path).unwrap()) {
            assert!(child.try_wait().unwrap().is_none(), "the child stopped by itself");
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_micros(round * 217));
        child.kill().unwrap();
        child.wait().unwrap();

        let keyring = load(&path).unwrap().0;
        assert_eq!(keyring.primary(), primary);
        // The lock is free, and a left-over file is in nobody's way.
        for extra in keyring.keys().iter().filter(|key| !key.is_primary()) {
            update(&path, |keyring| keyring.remove(&extra.id)).unwrap();
        }
        update(&path, |keyring| keyring.promote(&primary, 1)).unwrap();
    }
    assert_eq!(load(&path).unwrap().0.keys().len(), 1);
    assert!(!folder.path().join(format!("{NAME}.tmp")).exists());
}

fn same_file(left: &fs::Metadata, right: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (left.ino(), left.mtime(), left.mtime_nsec()) == (right.ino(), right.mtime(), right.mtime_nsec())
}
