//! An installation: its database, its keyring and its pepper, opened and found to belong together.
//!
//! What a first start makes is made here, and what must refuse to start is refused here: a database
//! without its key, or with another's.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use passthrough_core::id::{ApiKeyId, Environment};
use passthrough_core::token::{Token, TokenKind};
use passthrough_store::{ApiKey, MAX_PAGE, PendingMigration, Sealed, Store, StoreError, sqlite_url};
use passthrough_vault::keyring_file::FileError;
use passthrough_vault::{Keyring, OpenError as VaultOpenError, Pepper, keyring_file, random, random_for_id};
use secrecy::ExposeSecret;
use thiserror::Error;
use ulid::Ulid;

use crate::clock::Clock;
use crate::config::Config;
use crate::vault::{KeyringSource, PEPPER, Vault, VaultError, pepper_binding};

mod rotation;

pub use rotation::{KeyStatus, KeyringError, KeyringStatus};

/// The key file's name in the data folder.
pub const KEYRING_FILE: &str = "keyring.toml";
/// The embedded database's name in the data folder.
pub const DATABASE_FILE: &str = "passthrough.db";

/// Database and vault of one installation.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The database.
    pub store: Store,
    /// What seals and opens.
    pub vault: Vault,
    /// The time.
    pub clock: Clock,
    /// Whether this opening made the key file.
    pub made_keyring: bool,
}

/// Why an installation does not open. The messages say what mends it.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The data folder cannot be made or used.
    #[error("cannot use the data folder {path}: {source}")]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key file.
    #[error(transparent)]
    KeyringFile(#[from] FileError),
    /// The keyring in the settings.
    #[error("the setting `keyring` holds no keyring: {0}")]
    KeyringText(String),
    /// There is data, but no key for it.
    #[error(
        "the database belongs to a key file that is missing: {path}; put the key file back from your backup, \
         or start with an empty data folder (nothing that is stored can be used without it)"
    )]
    MissingKeyring {
        /// Where it should be.
        path: PathBuf,
    },
    /// The key is another database's.
    #[error(
        "the keyring does not belong to this database ({reason}); start with the key file that was made with \
         it, or with another data folder"
    )]
    WrongKeyring {
        /// What shows it.
        reason: String,
    },
    /// There are tokens, but nothing to check them with.
    #[error(
        "the database is damaged: it holds API keys or connections, but not the secret that their tokens are \
         checked with; restore the database from a backup"
    )]
    MissingPepper,
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Why an API key was not made.
#[derive(Debug, Error)]
pub enum NewKeyError {
    /// It would be worthless at once.
    #[error("the time at which an API key expires must be in the future")]
    Expired,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Installation {
    /// Opens it; makes what a first start needs; migrates the database.
    pub async fn open(config: &Config, clock: Clock) -> Result<Self, OpenError> {
        make_data_dir(&config.data_dir)?;
        let store = open_store(config).await?;
        store.migrate().await?;
        // In this order: the pepper is there before everything that hangs on it, also where another process
        // makes its first start at this moment.
        let has_data = holds_secrets(&store).await?;
        let pepper = store.find_installation_secret(PEPPER).await?;
        let (source, keyring, made_keyring) = open_keyring(config, has_data || pepper.is_some(), &clock)?;
        let pepper = match pepper {
            Some(pepper) => pepper,
            // A new one would make every token worthless, without a word.
            None if has_data => return Err(OpenError::MissingPepper),
            None => make_pepper(&store, &keyring).await?,
        };
        let binding = pepper_binding(pepper.generation);
        let opened = keyring.open(&binding, &pepper.sealed).map_err(wrong_keyring)?;
        let pepper = Pepper::from_bytes(&opened)
            .map_err(|_| OpenError::WrongKeyring { reason: "its pepper is damaged".to_owned() })?;
        let vault = Vault::new(keyring, source, pepper);
        Ok(Self { store, vault, clock, made_keyring })
    }

    /// Makes an API key. The token is the only copy of its secret. `expires_at` is in unix milliseconds.
    pub async fn create_api_key(
        &self,
        environment: &Environment,
        name: &str,
        expires_at: Option<i64>,
    ) -> Result<(ApiKey, Token), NewKeyError> {
        if expires_at.is_some_and(|at| at <= self.clock.now_ms()) {
            return Err(NewKeyError::Expired);
        }
        let (key, token) = self.new_api_key(environment, name, expires_at).await?;
        self.store.insert_api_key(&key).await?;
        Ok((key, token))
    }

    /// Makes an API key of the environment `default`, unless there is a key already.
    pub async fn create_first_api_key(&self) -> Result<Option<Token>, StoreError> {
        let Ok(environment) = Environment::DEFAULT.parse::<Environment>() else { return Ok(None) };
        let (key, token) = self.new_api_key(&environment, "first key", None).await?;
        Ok(self.store.insert_first_api_key(&key).await?.then_some(token))
    }

    async fn new_api_key(
        &self,
        environment: &Environment,
        name: &str,
        expires_at: Option<i64>,
    ) -> Result<(ApiKey, Token), StoreError> {
        let now = self.clock.now_ms();
        self.store.ensure_environment(environment, now).await?;
        let token = self.new_token(TokenKind::ApiKey);
        let key = ApiKey {
            id: ApiKeyId::from(token.ulid()),
            environment: environment.clone(),
            name: name.to_owned(),
            secret_hash: self.vault.hash(TokenKind::ApiKey, &token, environment).to_vec(),
            created_at: now,
            expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        Ok((key, token))
    }

    /// All API keys of one environment or of all, newest first.
    pub async fn list_api_keys(&self, environment: Option<&Environment>) -> Result<Vec<ApiKey>, StoreError> {
        let environments = match environment {
            Some(environment) => vec![environment.clone()],
            None => self.store.list_environments().await?,
        };
        let mut keys = Vec::new();
        for environment in environments {
            let mut after = None;
            loop {
                let page = self.store.list_api_keys(&environment, after, MAX_PAGE).await?;
                after = page.rows.last().map(|key| key.id);
                keys.extend(page.rows);
                if !page.has_more {
                    break;
                }
            }
        }
        Ok(keys)
    }

    /// Revokes an API key of whatever environment; tells whether it was there.
    pub async fn revoke_api_key(&self, id: ApiKeyId) -> Result<bool, StoreError> {
        match self.store.find_api_key(id).await? {
            Some(key) => self.store.revoke_api_key(&key.environment, id, self.clock.now_ms()).await,
            None => Ok(false),
        }
    }

    /// A token with a fresh ULID.
    pub fn new_token(&self, kind: TokenKind) -> Token {
        Token::from_parts(kind, self.new_ulid(), random())
    }

    /// A ULID of now.
    pub fn new_ulid(&self) -> Ulid {
        let mut random = [0; 16];
        random[6..].copy_from_slice(&random_for_id());
        let now = u64::try_from(self.clock.now_ms()).unwrap_or_default();
        Ulid::from_parts(now, u128::from_be_bytes(random))
    }
}

/// The migrations of a database.
#[derive(Debug, Clone)]
pub struct Migrations {
    /// Those that were applied by this call.
    pub applied: Vec<String>,
    /// Those that are still to be applied.
    pub pending: Vec<String>,
}

/// Which migrations the database lacks. An embedded database that does not exist yet is not made.
pub async fn migrations(config: &Config) -> Result<Migrations, StoreError> {
    let store = open_store(config).await?;
    let pending = names(store.pending_migrations().await?);
    store.close().await;
    Ok(Migrations { applied: Vec::new(), pending })
}

/// Migrates the database.
pub async fn migrate(config: &Config) -> Result<Migrations, OpenError> {
    make_data_dir(&config.data_dir)?;
    let store = open_store(config).await?;
    let applied = names(store.migrate().await?);
    store.close().await;
    Ok(Migrations { applied, pending: Vec::new() })
}

fn names(migrations: Vec<PendingMigration>) -> Vec<String> {
    migrations.iter().map(|migration| format!("{:04} {}", migration.version, migration.name)).collect()
}

/// Reads the key file as a start would; gives the number of its keys.
pub fn check_keyring(config: &Config) -> Result<usize, OpenError> {
    match &config.keyring {
        Some(text) => Keyring::parse(text.expose_secret())
            .map(|keyring| keyring.keys().len())
            .map_err(|error| OpenError::KeyringText(error.to_string())),
        None => Ok(keyring_file::load(&config.keyring_path())?.0.keys().len()),
    }
}

/// Opens the configured database without migrating it.
async fn open_store(config: &Config) -> Result<Store, StoreError> {
    match &config.database_url {
        Some(url) => Store::open(url.expose_secret()).await,
        None => Store::open(&sqlite_url(&config.data_dir.join(DATABASE_FILE))).await,
    }
}

/// The folder is for its owner alone: it holds the key.
fn make_data_dir(path: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::DataDir { path: path.to_owned(), source };
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)
}

fn open_keyring(
    config: &Config,
    has_data: bool,
    clock: &Clock,
) -> Result<(KeyringSource, Keyring, bool), OpenError> {
    if let Some(text) = &config.keyring {
        let keyring = Keyring::parse(text.expose_secret())
            .map_err(|error| OpenError::KeyringText(error.to_string()))?;
        return Ok((KeyringSource::Settings, keyring, false));
    }
    let path = config.keyring_path();
    let mut made = false;
    if !path.exists() {
        if has_data {
            return Err(OpenError::MissingKeyring { path });
        }
        match keyring_file::create(&path, &Keyring::generate(clock.now_ms())) {
            Ok(()) => made = true,
            // Another process was first; its key is the one.
            Err(FileError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let (keyring, fingerprint) = keyring_file::load(&path)?;
    Ok((KeyringSource::file(path, fingerprint), keyring, made))
}

/// Whether there is anything that belongs to a keyring or a pepper.
async fn holds_secrets(store: &Store) -> Result<bool, StoreError> {
    Ok(store.count_api_keys().await? > 0 || !store.count_sealed_by_key().await?.is_empty())
}

/// Makes the pepper, or takes the one that another process made at the same moment.
async fn make_pepper(store: &Store, keyring: &Keyring) -> Result<Sealed, OpenError> {
    let sealed =
        keyring.seal(&pepper_binding(1), Pepper::generate().expose_bytes()).map_err(VaultError::from)?;
    let sealed = Sealed { sealed: sealed.bytes, key_id: sealed.key_id.to_string(), generation: 1 };
    Ok(store.insert_installation_secret(PEPPER, &sealed).await?)
}

fn wrong_keyring(error: VaultOpenError) -> OpenError {
    let reason = match error {
        VaultOpenError::UnknownKey(id) => format!("it lacks the key {id}"),
        VaultOpenError::Malformed => "the sealed pepper is damaged".to_owned(),
        VaultOpenError::Refused => "its key does not open the sealed pepper".to_owned(),
    };
    OpenError::WrongKeyring { reason }
}
