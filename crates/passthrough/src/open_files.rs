//! As many open files as the system allows: every caller is one, and so is every socket to a provider.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of this process to the most that it may have. Many systems set it to 1,024, for programs of
/// another age, and let whoever needs more take more. Where the system refuses, it stays as it is.
pub fn allow_most() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    let shown = |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    let (from, to) = (shown(current), shown(maximum));
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => tracing::debug!(%from, %to, "more files may be open"),
        Err(error) => tracing::debug!(%from, %to, %error, "the limit of open files could not be raised"),
    }
}
