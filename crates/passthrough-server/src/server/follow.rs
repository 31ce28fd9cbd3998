//! Follows what other processes change, and looks whether the database is there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use passthrough_store::StoreError;

use crate::app::App;
use crate::link;

/// How often other processes' changes and the key file are looked at.
const FOLLOW: Duration = Duration::from_secs(1);
/// How long the database may take over that.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(10);
/// How many changes are read at a time.
const CHANGES: u32 = 1_000;
/// How long changes are kept for others to see.
const CHANGES_KEPT_MS: i64 = 3_600_000;

/// Follows what other processes change: connections and keys through the database, the keyring through
/// its file.
pub(super) async fn follow(app: Arc<App>, mut last_change: i64) {
    let (mut swept, mut seen) = (Instant::now(), Instant::now());
    loop {
        tokio::time::sleep(FOLLOW).await;
        let vault = app.installation.vault.clone();
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || vault.follow()).await {
            tracing::error!(%error, "the key file changed and cannot be read; the keys in memory stay in use");
        }
        match tokio::time::timeout(FOLLOW_TIMEOUT, follow_changes(&app, last_change)).await {
            Ok(Ok(change)) => {
                last_change = change;
                app.resolver.saw_database();
                // After so long, changes may have been swept that were never seen here.
                if seen.elapsed() > Duration::from_millis(CHANGES_KEPT_MS.unsigned_abs()) {
                    app.resolver.forget_all().await;
                }
                seen = Instant::now();
            }
            Ok(Err(error)) => tracing::warn!(%error, "the database is not available"),
            Err(_) => tracing::warn!("the database does not answer"),
        }
        if swept.elapsed() > Duration::from_millis(CHANGES_KEPT_MS.unsigned_abs()) {
            swept = Instant::now();
            let before = app.now_ms() - 2 * CHANGES_KEPT_MS;
            if let Err(error) = app.installation.store.delete_changes_before(before).await {
                tracing::warn!(%error, "old changes could not be deleted yet");
            }
            if let Err(error) = link::session::sweep(&app).await {
                tracing::warn!(%error, "old link sessions could not be deleted yet");
            }
        }
    }
}

async fn follow_changes(app: &App, mut last_change: i64) -> Result<i64, StoreError> {
    loop {
        let changes = app.installation.store.list_changes_after(last_change, CHANGES).await?;
        for change in &changes {
            app.resolver.changed(change.subject.clone()).await;
            last_change = change.seq;
        }
        if changes.len() < CHANGES as usize {
            return Ok(last_change);
        }
    }
}
