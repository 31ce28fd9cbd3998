//! The keyring file: permissions, links, crashes, changes.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;

use passthrough_vault::keyring_file::{FileError, create, fingerprint, load, update};
use passthrough_vault::{KeyChangeError, Keyring};
use tempfile::TempDir;

fn new_file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyring.toml");
    create(&path, &Keyring::generate(1)).unwrap();
    (folder, path)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_new_file_is_for_its_owner_only_and_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyring.toml");
    let keyring = Keyring::generate(1);
    create(&path, &keyring).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(load(&path).unwrap().0.keys(), keyring.keys());
    assert_eq!(names(&folder), ["keyring.toml", "keyring.toml.lock"]);
    assert_eq!(fs::metadata(folder.path().join("keyring.toml.lock")).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn a_file_that_exists_is_never_replaced_by_a_new_one() {
    let (folder, path) = new_file();
    let before = fs::read(&path).unwrap();
    assert!(matches!(create(&path, &Keyring::generate(2)), Err(FileError::Exists(_))));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(names(&folder), ["keyring.toml", "keyring.toml.lock"]);

    let dangling = folder.path().join("dangling.toml");
    symlink(folder.path().join("nowhere"), &dangling).unwrap();
    assert!(matches!(create(&dangling, &Keyring::generate(2)), Err(FileError::Exists(_))));
}

#[test]
fn of_many_who_create_at_once_exactly_one_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyring.toml");
    let start = Barrier::new(8);
    let made: Vec<_> = thread::scope(|scope| {
        let one = || {
            let keyring = Keyring::generate(1);
            start.wait();
            match create(&path, &keyring) {
                Ok(()) => Some(keyring.primary()),
                Err(FileError::Exists(_)) => None,
                Err(error) => panic!("{error}"),
            }
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(made, [load(&path).unwrap().0.primary()]);
}

#[test]
fn a_file_that_others_can_read_or_write_is_refused_with_the_remedy() {
    let (_folder, path) = new_file();
    for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o601, 0o666, 0o777] {
        set_mode(&path, mode);
        let error = load(&path).unwrap_err();
        assert!(matches!(error, FileError::OpenToOthers { mode: found, .. } if found == mode), "{mode:o}");
        assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())), "{error}");
        assert!(update(&path, |keyring| Ok(keyring.add(2))).is_err());
    }
    for mode in [0o600, 0o400] {
        set_mode(&path, mode);
        assert_eq!(load(&path).unwrap().0.keys().len(), 1);
    }
}

#[test]
fn a_link_is_judged_by_what_it_points_to_and_never_replaced() {
    let (folder, path) = new_file();
    let link = folder.path().join("link.toml");
    symlink(&path, &link).unwrap();
    assert_eq!(load(&link).unwrap().0.keys(), load(&path).unwrap().0.keys());
    let error = update(&link, |keyring| Ok(keyring.add(2))).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(load(&path).unwrap().0.keys().len(), 1);
    set_mode(&path, 0o644);
    assert!(matches!(load(&link), Err(FileError::OpenToOthers { .. })));
}

#[test]
fn what_is_no_keyring_is_refused() {
    let (folder, path) = new_file();
    assert!(matches!(load(&folder.path().join("absent")), Err(FileError::Missing(_))));
    assert!(matches!(fingerprint(&folder.path().join("absent")), Err(FileError::Missing(_))));
    let absent = update(&folder.path().join("absent"), |keyring| Ok(keyring.add(2)));
    assert!(matches!(absent, Err(FileError::Missing(_))));
    assert!(matches!(load(folder.path()), Err(FileError::NotAKeyring { .. })));
    fs::write(&path, [0xff; 100]).unwrap();
    assert!(matches!(load(&path), Err(FileError::NotAKeyring { .. })));
    fs::write(&path, vec![b'#'; 64 * 1024 + 1]).unwrap();
    assert!(matches!(load(&path), Err(FileError::NotAKeyring { .. })));
    fs::write(&path, "version = 1\nprimary = x").unwrap();
    let error = load(&path).unwrap_err();
    assert!(error.to_string().contains("line 2, primary"), "{error}");
}

#[test]
fn a_change_is_stored_and_a_refused_one_leaves_the_file_alone() {
    let (folder, path) = new_file();
    let added = update(&path, |keyring| Ok(keyring.add(2))).unwrap();
    update(&path, |keyring| keyring.promote(&added, 3)).unwrap();
    let (keyring, before) = load(&path).unwrap();
    assert_eq!(keyring.primary(), added);
    let refused = update(&path, |keyring| {
        keyring.add(4);
        keyring.remove(&added)
    });
    assert!(matches!(refused, Err(FileError::Change(KeyChangeError::IsPrimary(id))) if id == added));
    assert_eq!(fingerprint(&path).unwrap(), before);
    assert_eq!(names(&folder), ["keyring.toml", "keyring.toml.lock"]);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn the_fingerprint_changes_with_the_file_and_only_then() {
    let (_folder, path) = new_file();
    let (_, loaded) = load(&path).unwrap();
    assert_eq!(fingerprint(&path).unwrap(), loaded);
    update(&path, |keyring| Ok(keyring.add(2))).unwrap();
    let updated = fingerprint(&path).unwrap();
    assert_ne!(updated, loaded);
    assert_eq!(load(&path).unwrap().1, updated);
    // As an editor does it that writes into the file.
    fs::write(&path, "version = 1").unwrap();
    assert_ne!(fingerprint(&path).unwrap(), updated);
}

#[test]
fn what_a_crash_left_behind_is_neither_read_nor_reused() {
    let (folder, path) = new_file();
    let left_over = folder.path().join("keyring.toml.tmp");
    fs::write(&left_over, "version = 1\nhalf a fi").unwrap();
    set_mode(&left_over, 0o666);
    assert_eq!(load(&path).unwrap().0.keys().len(), 1);
    update(&path, |keyring| Ok(keyring.add(2))).unwrap();
    assert_eq!(load(&path).unwrap().0.keys().len(), 2);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert!(!left_over.exists());

    // The left-over of a crash in `create`, after the new name was made, is the keyring itself.
    fs::hard_link(&path, &left_over).unwrap();
    update(&path, |keyring| Ok(keyring.add(3))).unwrap();
    assert_eq!(load(&path).unwrap().0.keys().len(), 3);

    // A link that somebody laid there is removed, and what it points to is not written to.
    let victim = folder.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    symlink(&victim, &left_over).unwrap();
    update(&path, |keyring| Ok(keyring.add(4))).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert_eq!(load(&path).unwrap().0.keys().len(), 4);
}

#[test]
fn root_leaves_the_file_to_its_owner() {
    let (folder, path) = new_file();
    if fs::metadata(&path).unwrap().uid() != 0 {
        return; // Only root can give files away.
    }
    chown(&path, Some(12345), Some(12345)).unwrap();
    update(&path, |keyring| Ok(keyring.add(2))).unwrap();
    for name in ["keyring.toml", "keyring.toml.lock"] {
        assert_eq!(fs::metadata(folder.path().join(name)).unwrap().uid(), 12345, "{name}");
    }
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn threads_that_change_at_once_lose_no_change_and_readers_see_whole_files() {
    let (_folder, path) = new_file();
    let start = Barrier::new(5);
    let write = |now: i64| {
        start.wait();
        (0..6).map(|_| update(&path, |keyring| Ok(keyring.add(now))).unwrap()).collect::<Vec<_>>()
    };
    let mut added = thread::scope(|scope| {
        let write = &write;
        let writers: Vec<_> = (0..4).map(|now| scope.spawn(move || write(now))).collect();
        start.wait();
        let mut seen = 1;
        while !writers.iter().all(|writer| writer.is_finished()) {
            let count = load(&path).unwrap().0.keys().len();
            assert!(count >= seen, "a change was lost");
            seen = count;
        }
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
    });
    let keyring = load(&path).unwrap().0;
    let mut found: Vec<_> = keyring.keys().iter().filter(|key| !key.is_primary()).map(|key| key.id).collect();
    added.sort();
    found.sort();
    assert_eq!(found, added);
}
