//! Reports: asked for when they are wanted, and the last answer kept, so that there is something to show without a network.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::protocol::{Body, Request};
use crate::core::record::Millis;
use crate::core::rows::derived;
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, TransportError, Write};

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

/// The last answer of one report.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    at: Millis,
    data: Value,
}

/// All of them, by name: a row of `derived`. One that cannot be read keeps none.
type AllKept = BTreeMap<String, Kept>;

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
        let rows = self.store.read(vec![Read::Derived(derived::REPORTS.into())]).await.map_err(ReportError::Store)?;
        let kept = kept(&rows).remove(name);
        let Some(Kept { at, data }) = kept else { return Err(ReportError::Transport(error)) };
        if self.host.now().since(at) > KEPT_MS_MAX {
            return Err(ReportError::TooOld(at));
        }
        Ok(Report { data, at, error: Some(error) })
    }

    async fn keep_report(&self, name: &str, new: &Kept) -> Result<(), StoreError> {
        let scope = Scope::relaxed(&[StoreName::Derived], vec![Read::Derived(derived::REPORTS.into())]);
        let plan = |rows: &Rows| {
            let mut all = kept(rows);
            all.insert(name.to_owned(), new.clone());
            Step::Write(vec![write(&all)], ())
        };
        self.store.update(scope, plan).await.map(drop)
    }

    /// Forgets the answers that are kept: their user leaves, and whoever has the device next is not shown them.
    ///
    /// # Errors
    /// If they are still there.
    pub async fn forget_reports(&self) -> Result<(), StoreError> {
        let scope = Scope::strict(&[StoreName::Derived], vec![]);
        self.store.update(scope, |_| Step::Write(vec![write(&AllKept::new())], ())).await.map(drop)
    }
}

fn kept(rows: &Rows) -> AllKept {
    let bytes = rows.derived.get(derived::REPORTS);
    bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

fn write(all: &AllKept) -> Write {
    // Plain data with string keys: it always serialises.
    Write::Derived(derived::REPORTS.into(), serde_json::to_vec(all).unwrap_or_default())
}

fn other_server() -> TransportError {
    TransportError::Misconfigured { status: 0, detail: "another server has this address".to_owned() }
}
