//! Reports: asked for when they are wanted, and the last answer kept, so that there is something to show without a network.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::protocol::{Body, Request};
use crate::core::record::Millis;
use crate::core::rows::derived;
use crate::ports::{Host, Read, Scope, Step, Store, StoreError, StoreName, Transport, TransportError, Write};

use super::Client;

/// A kept report that is older is not shown: it would be taken for how things stand.
pub const KEPT_MS_MAX: i64 = 30 * 24 * 60 * 60 * 1_000;

/// A report, new or kept; `Report` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What it says.
    pub data: Value,
    /// When the server made it, by the device's clock.
    pub at: Millis,
    /// Why it is not new, if it is not.
    pub error: Option<TransportError>,
}

/// Why there is no report at all.
#[derive(Clone, Debug, PartialEq)]
pub enum ReportError {
    /// None is kept, and there is none to be had.
    Transport(TransportError),
    /// The one that is kept is from then: too long ago to be shown.
    TooOld(Millis),
    /// None is kept that could be read.
    Store(StoreError),
}

/// A row of `derived`.
#[derive(Serialize, Deserialize)]
struct Kept {
    at: Millis,
    data: Value,
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// The report of this name: from the server if it answers, else the last one that it gave this user, if that is not too old.
    ///
    /// # Errors
    /// If there is neither.
    pub async fn fetch_report(&self, name: &str) -> Result<Report, ReportError> {
        let error = match self.send(&Request::Report(name.to_owned())).await {
            Ok(answer) if self.heard(&answer).await => {
                let Body::Report(report) = answer.body else { return Err(ReportError::Transport(other_server())) };
                let at = self.host.now();
                // One that could not be kept is as good, now.
                if let Err(error) = self.keep_report(name, &Kept { at, data: report.data.clone() }).await {
                    self.note_store(&error);
                }
                return Ok(Report { data: report.data, at, error: None });
            }
            Ok(_) => other_server(),
            Err(error) => error,
        };
        let row = row(name);
        let rows = self.store.read(vec![Read::Derived(row.clone())]).await.map_err(ReportError::Store)?;
        let kept: Option<Kept> = rows.derived.get(&row).and_then(|bytes| serde_json::from_slice(bytes).ok());
        let Some(Kept { at, data }) = kept else { return Err(ReportError::Transport(error)) };
        if self.host.now().since(at) > KEPT_MS_MAX {
            return Err(ReportError::TooOld(at));
        }
        Ok(Report { data, at, error: Some(error) })
    }

    async fn keep_report(&self, name: &str, kept: &Kept) -> Result<(), StoreError> {
        // Plain data with string keys: it always serialises.
        let write = Write::Derived(row(name), serde_json::to_vec(kept).unwrap_or_default());
        self.store.update(Scope::relaxed(&[StoreName::Derived], vec![]), |_| Step::Write(vec![write.clone()], ())).await?;
        Ok(())
    }
}

fn row(name: &str) -> String {
    format!("{}/{name}", derived::REPORT)
}

fn other_server() -> TransportError {
    TransportError::Misconfigured { status: 0, detail: "another server has this address".to_owned() }
}
