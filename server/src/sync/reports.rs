//! Reports: what is counted over the records that the user may see, whenever it is asked for. Nothing of it is kept.

use std::collections::BTreeMap;

use fieldsync::core::record::{UserId, field};
use serde_json::{Value, json};

use super::{Context, SyncError};
use crate::db::{Extent, PageQuery, Role, Stored, Tx};

/// So many weeks of visits are counted, the present one included.
const WEEKS: usize = 4;
const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// Records are read in pages of so many.
const PAGE: usize = 2_000;

/// Deals and their value by stage, in the order of the stages; amounts in different currencies are not added.
///
/// # Errors
/// The database's.
pub fn pipeline(tx: &mut dyn Tx, context: &Context<'_>) -> Result<Value, SyncError> {
    let mut counts: BTreeMap<String, (u64, BTreeMap<String, f64>)> = BTreeMap::new();
    for_each(tx, context, "pipelines", &mut |deal| {
        let (count, sums) = counts.entry(field(&deal.fields, "stage").as_str().unwrap_or_default().to_owned()).or_default();
        *count += 1;
        let value = field(&deal.fields, "value");
        if let (Some(amount), Some(currency)) = (value["amount"].as_f64(), value["currency"].as_str()) {
            *sums.entry(currency.to_owned()).or_default() += amount;
        }
    })?;
    let stage = context.schema.collection("pipelines").and_then(|its| its.fields.get("stage"));
    let stages = stage.map(|spec| spec.values.clone()).unwrap_or_default();
    let row = |stage: &String| {
        let (deals, value) = counts.get(stage).cloned().unwrap_or_default();
        json!({ "stage": stage, "deals": deals, "value": value })
    };
    Ok(json!({ "stages": stages.iter().map(row).collect::<Vec<_>>() }))
}

/// Visits of the last four weeks, oldest week first, by whose the visited customer is now.
///
/// # Errors
/// The database's.
pub fn visits(tx: &mut dyn Tx, context: &Context<'_>) -> Result<Value, SyncError> {
    let begin = context.now.plus(-WEEK_MS * WEEKS as i64);
    let mut counts: BTreeMap<UserId, [u64; WEEKS]> = BTreeMap::new();
    for user in context.directory.owners_for(context.user) {
        if context.directory.user(user).is_some_and(|user| user.role == Role::Rep) {
            counts.insert(user, [0; WEEKS]);
        }
    }
    for_each(tx, context, "activities", &mut |activity| {
        let at = field(&activity.fields, "at").as_i64().unwrap_or_default();
        let week = usize::try_from((at - begin.0).div_euclid(WEEK_MS)).ok().filter(|week| *week < WEEKS);
        if let (Some("visit"), Some(week), Some(owner)) = (field(&activity.fields, "kind").as_str(), week, activity.owner) {
            counts.entry(owner).or_default()[week] += 1;
        }
    })?;
    let name = |id: &UserId| context.directory.user(*id).map(|user| user.name.clone()).unwrap_or_default();
    let reps: Vec<Value> = counts.iter().map(|(id, visits)| json!({ "id": id, "name": name(id), "visits": visits })).collect();
    let weeks: Vec<i64> = (0..WEEKS as i64).map(|week| begin.0 + week * WEEK_MS).collect();
    Ok(json!({ "weeks": weeks, "reps": reps }))
}

/// Whose records the user sees: whom a manager may give a customer to.
#[must_use]
pub fn team(context: &Context<'_>) -> Value {
    let members = context.directory.owners_for(context.user).into_iter().filter_map(|id| context.directory.user(id));
    let member = |user: &crate::db::User| json!({ "id": user.id, "name": user.name, "role": user.role.name() });
    json!({ "members": members.map(member).collect::<Vec<_>>() })
}

fn for_each(tx: &mut dyn Tx, context: &Context<'_>, collection: &str, see: &mut dyn FnMut(&Stored)) -> Result<(), SyncError> {
    let owners = context.directory.owners_for(context.user);
    let mut after = None;
    loop {
        let query = PageQuery { of: Extent::of(collection, Some(&owners)), after, before: None, limit: PAGE };
        let page = tx.page(&query)?;
        page.iter().for_each(&mut *see);
        after = page.last().map(|record| record.id);
        if page.len() < PAGE {
            return Ok(());
        }
    }
}
