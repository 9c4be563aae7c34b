//! `serve`: listens until it is told to stop, and then finishes what it is doing.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fieldsync_server::db::sqlite::SqliteDb;
use fieldsync_server::{AppState, Config, app, db, demo, state};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{CliError, Serve, open};

/// How long running requests may take when the server is told to stop, in seconds.
const STOP_SECS_MAX: u64 = 10;

pub(super) fn run(options: Serve) -> Result<(), CliError> {
    let db = Arc::new(open(&options.data.data)?);
    if options.demo {
        fill(&db, options.seed)?;
    }
    let state = AppState::new(db.clone(), config(&options))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(listen(SocketAddr::new(options.bind, options.port), state))?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    db.checkpoint()?;
    Ok(())
}

fn config(options: &Serve) -> Config {
    Config {
        schema_min: options.schema_min,
        access_token_secs: options.access_token_secs,
        requests_per_minute: options.requests_per_minute,
        sign_ins_per_minute: options.sign_ins_per_minute,
        origins: options.origins.iter().map(|origin| origin.trim_end_matches('/').to_owned()).collect(),
        app: options.app.clone(),
        test_hooks: options.test_hooks,
    }
}

/// Demo data, if nobody was ever here.
fn fill(db: &SqliteDb, seed: u64) -> Result<(), CliError> {
    if !db::read(db, |tx| tx.users())?.is_empty() {
        return Ok(());
    }
    let hash = demo::password_hash().map_err(|_| CliError::Refused("the machine gives no random numbers"))?;
    Ok(db::write(db, |tx| demo::fill(tx, seed, state::system_now(), &hash))?)
}

async fn listen(address: SocketAddr, state: AppState) -> Result<(), CliError> {
    let listener = TcpListener::bind(address).await?;
    let (told, mut stop) = watch::channel(false);
    tokio::spawn(wait_for_signal(told)?);
    println!("listening on http://{}", listener.local_addr()?);
    let mut stopping = stop.clone();
    let served = axum::serve(listener, app(state)).with_graceful_shutdown(async move {
        // An error means that nobody can tell any more: stop then, too.
        let _ = stopping.wait_for(|stop| *stop).await;
    });
    let too_long = async {
        let _ = stop.wait_for(|stop| *stop).await;
        tokio::time::sleep(Duration::from_secs(STOP_SECS_MAX)).await;
    };
    tokio::select! {
        done = served => done?,
        () = too_long => tracing::warn!("stopped with requests still running"),
    }
    Ok(())
}

fn wait_for_signal(told: watch::Sender<bool>) -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        // Nobody listens any more only if the server has stopped by itself.
        let _ = told.send(true);
    })
}
