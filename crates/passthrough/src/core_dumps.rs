//! No core dumps: what is written to a disk when a process dies would hold every opened credential.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids them for this process. Where the system refuses, `doctor` says so.
pub fn forbid() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// Whether they are forbidden.
pub fn are_forbidden() -> bool {
    rustix::process::getrlimit(Resource::Core).current == Some(0)
}
