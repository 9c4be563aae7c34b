//! What every request shares: the database, the schema, the keys, the limits, the clock.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fieldsync::core::protocol::Envelope;
use fieldsync::core::record::{Epoch, Millis, UserId};
use fieldsync::core::schema::Schema;
use sha2::{Digest, Sha256};

use crate::auth::access_token::Signer;
use crate::config::Config;
use crate::db::{self, Db, DbError, End, Tx};
use crate::error::AppError;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::sync::access::Directory;
use crate::sync::{Context, Sender, SyncError};

/// The schema that this server is built with: the same file that the app reads.
pub const SCHEMA_JSON: &str = include_str!("../../www/schema.json");
/// Bytes of the key that signs access tokens.
const KEY_BYTES: usize = 32;

/// A clock; tests turn its hands.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// Handle to what every request shares.
#[derive(Clone)]
pub struct AppState {
    inner: Arc<Inner>,
    clock: Clock,
}

struct Inner {
    db: Arc<dyn Db>,
    schema: Schema,
    schema_etag: String,
    epoch: Epoch,
    signer: Signer,
    config: Config,
    limits: Limits,
    metrics: Metrics,
}

/// Why a server cannot begin.
#[derive(Debug)]
pub enum StartError {
    /// The database fails.
    Db(DbError),
    /// The schema file is not one.
    Schema(fieldsync::core::schema::SchemaError),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Db(error) => error.fmt(f),
            Self::Schema(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl From<DbError> for StartError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// What a request may do to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only read.
    Read,
    /// Write, durably.
    Write,
    /// Write, and take it back.
    Preview,
}

impl AppState {
    /// A server over this database. Its lifetime's name and its signing key are in the database, so that a restart
    /// signs nobody out and a backup is the same server.
    ///
    /// # Errors
    /// If the database or the schema cannot be read.
    pub fn new(db: Arc<dyn Db>, config: Config) -> Result<Self, StartError> {
        let schema = Schema::parse(SCHEMA_JSON).map_err(StartError::Schema)?;
        let now = system_now();
        let (epoch, key) = db::write(&*db, |tx| -> Result<_, DbError> {
            let epoch = kept(tx, "server_epoch", || Epoch::new(now, rand::random()).to_string())?;
            let key = kept(tx, "signing_key", || URL_SAFE_NO_PAD.encode(rand::random::<[u8; KEY_BYTES]>()))?;
            let epoch = epoch.parse().map_err(|_| DbError::Corrupt("server_epoch".into()))?;
            let key = URL_SAFE_NO_PAD.decode(key).map_err(|_| DbError::Corrupt("signing_key".into()))?;
            Ok((epoch, key))
        })?;
        let inner = Inner {
            db,
            schema,
            schema_etag: etag(SCHEMA_JSON.as_bytes()),
            epoch,
            signer: Signer::new(&key),
            limits: Limits::new(&config),
            config,
            metrics: Metrics::default(),
        };
        Ok(Self { inner: Arc::new(inner), clock: Arc::new(system_now) })
    }

    /// The same server by another clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Millis {
        (self.clock)()
    }

    /// How it behaves.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The app's declaration.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.inner.schema
    }

    /// What names the schema's contents.
    #[must_use]
    pub fn schema_etag(&self) -> &str {
        &self.inner.schema_etag
    }

    /// What signs access tokens.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.inner.signer
    }

    /// Who asks too often.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// The lifetime of this server's database.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.inner.epoch
    }

    /// A body with what every answer carries.
    #[must_use]
    pub fn envelope<T>(&self, user: Option<UserId>, body: T) -> Envelope<T> {
        Envelope { server_time: self.now(), server_epoch: self.inner.epoch, user, body }
    }

    /// Runs `work` in a transaction, on a thread that may block.
    ///
    /// # Errors
    /// Those of `work`, the database's, and [`AppError::Internal`] if it panicked.
    pub async fn with_db<T, E>(
        &self,
        access: Access,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, AppError>
    where
        T: Send + 'static,
        E: From<DbError> + Into<AppError> + Send + 'static,
    {
        let db = self.inner.db.clone();
        let task = tokio::task::spawn_blocking(move || match access {
            Access::Read => db::read(&*db, work),
            Access::Write => db::write(&*db, work),
            Access::Preview => db::write_unless(&*db, |_| End::Rollback, work),
        });
        task.await.map_err(|error| AppError::Internal(error.to_string()))?.map_err(Into::into)
    }

    /// Runs a rule of [`crate::sync`] for this user.
    ///
    /// # Errors
    /// As [`AppState::with_db`]; and 401 if there is no such user any more.
    pub async fn with_rules<T: Send + 'static>(
        &self,
        access: Access,
        user: UserId,
        sender: Sender,
        rule: impl FnOnce(&mut dyn Tx, &Context<'_>) -> Result<T, SyncError> + Send + 'static,
    ) -> Result<T, AppError> {
        let state = self.clone();
        let done = self.with_db(access, move |tx| -> Result<Option<T>, SyncError> {
            let directory = Directory::new(tx.users()?);
            let Some(user) = directory.user(user) else { return Ok(None) };
            let context = Context {
                schema: state.schema(),
                schema_min: state.config().schema_min,
                user,
                directory: &directory,
                now: state.now(),
                sender: &sender,
                hooks: state.config().test_hooks,
            };
            rule(tx, &context).map(Some)
        });
        done.await?.ok_or_else(AppError::signed_out)
    }
}

fn kept(tx: &mut dyn Tx, name: &str, make: impl FnOnce() -> String) -> Result<String, DbError> {
    if let Some(value) = tx.meta(name)? {
        return Ok(value);
    }
    let value = make();
    tx.put_meta(name, &value)?;
    Ok(value)
}

/// What names these contents, for `ETag`.
#[must_use]
pub fn etag(contents: &[u8]) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(contents)[..16]))
}

/// The time by the machine's clock.
#[must_use]
pub fn system_now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
