//! Three-way merge of one field by its policy. Pure and total: every input has an answer, and one answer is "ask".

use serde_json::{Number, Value};

use super::lists;
use super::protocol::SetAside;
use super::record::{Millis, same};
use super::schema::{FieldSpec, Kind, Policy};
use crate::mutation::{self, Mutation};

/// Two edits closer than this are not told apart by their clocks.
pub const LATEST_APART_MS_MIN: i64 = 2_000;

/// The three values, and when the two edits were made if that can be trusted (both by the server's clock).
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// What the user saw.
    pub seen: &'a Value,
    /// What the user wrote.
    pub mine: &'a Value,
    /// What is there now.
    pub theirs: &'a Value,
    /// When mine was made.
    pub mine_at: Option<Millis>,
    /// When theirs was made.
    pub theirs_at: Option<Millis>,
}

/// What a field's merge comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Merged {
    /// This value; nothing was lost.
    Clean(Value),
    /// This value; a rule set the other one aside.
    Ruled(Value, SetAside),
    /// A person decides.
    Ask,
}

/// Merges a field. Called when the user's change is real (`seen` ≠ `mine`), or for `sum`, which always adds.
#[must_use]
pub fn merge(name: &str, spec: &FieldSpec, sides: Sides<'_>) -> Merged {
    let Sides { seen, mine, theirs, .. } = sides;
    if same(theirs, seen) {
        return Merged::Clean(mine.clone());
    }
    if same(mine, seen) {
        return Merged::Clean(theirs.clone());
    }
    if spec.policy == Policy::Sum && mutation::is(Mutation::SumIsPlain) {
        return Merged::Clean(mine.clone());
    }
    if spec.policy == Policy::Sum
        && let Some(value) = sum(seen, mine, theirs)
    {
        return Merged::Clean(value);
    }
    if same(mine, theirs) {
        return Merged::Clean(theirs.clone());
    }
    match spec.policy {
        Policy::Ask if mutation::is(Mutation::MineWins) => Merged::Clean(mine.clone()),
        Policy::Ask if mutation::is(Mutation::TheirsWins) => Merged::Clean(theirs.clone()),
        Policy::Ask if spec.kind == Kind::Enum && mutation::is(Mutation::StageIsMine) => Merged::Clean(mine.clone()),
        Policy::Ask if spec.refers_to.is_some() && mutation::is(Mutation::ReferenceIsMine) => Merged::Clean(mine.clone()),
        Policy::Ask | Policy::Sum => Merged::Ask,
        Policy::Mine => ruled(name, mine, theirs, false),
        Policy::Server => ruled(name, theirs, mine, true),
        Policy::Latest => latest(name, sides),
        Policy::Max => greater(mine, theirs).map_or(Merged::Ask, |mine_is| ordered(name, sides, mine_is)),
        Policy::Min => greater(mine, theirs).map_or(Merged::Ask, |mine_is| ordered(name, sides, !mine_is)),
        Policy::Union if spec.refers_to.is_some() => lists::ids(seen, mine, theirs).map_or(Merged::Ask, Merged::Clean),
        Policy::Union => lists::set(seen, mine, theirs).map_or(Merged::Ask, Merged::Clean),
        Policy::Append => append(seen, mine, theirs).map_or(Merged::Ask, Merged::Clean),
        Policy::Forward => forward(spec, mine, theirs).map_or(Merged::Ask, |mine_is| ordered(name, sides, mine_is)),
    }
}

/// Whether a delete looks at what theirs is of a field: at all of them.
#[must_use]
pub fn is_compared(spec: Option<&FieldSpec>) -> bool {
    !mutation::is(Mutation::DeleteOverRuled) || spec.is_none_or(|spec| spec.policy == Policy::Ask)
}

fn ruled(name: &str, value: &Value, lost: &Value, lost_is_mine: bool) -> Merged {
    Merged::Ruled(value.clone(), SetAside { field: name.to_owned(), value: lost.clone(), mine: lost_is_mine })
}

fn choose(name: &str, sides: Sides<'_>, mine_wins: bool) -> Merged {
    if mine_wins { ruled(name, sides.mine, sides.theirs, false) } else { ruled(name, sides.theirs, sides.mine, true) }
}

fn ordered(name: &str, sides: Sides<'_>, mine_wins: bool) -> Merged {
    if mutation::is(Mutation::OrderUntold) {
        return Merged::Clean(if mine_wins { sides.mine } else { sides.theirs }.clone());
    }
    choose(name, sides, mine_wins)
}

fn latest(name: &str, sides: Sides<'_>) -> Merged {
    let (Some(mine_at), Some(theirs_at)) = (sides.mine_at, sides.theirs_at) else { return Merged::Ask };
    let apart_ms = mine_at.since(theirs_at);
    if apart_ms.abs() < LATEST_APART_MS_MIN { Merged::Ask } else { choose(name, sides, apart_ms > 0) }
}

/// Whether mine is the greater; nothing if the two cannot be compared. A value is greater than none.
fn greater(mine: &Value, theirs: &Value) -> Option<bool> {
    match (mine, theirs) {
        (Value::Null, _) => Some(false),
        (_, Value::Null) => Some(true),
        (Value::Number(a), Value::Number(b)) => Some((a.as_f64()? > b.as_f64()?) != mutation::is(Mutation::GreaterIsLess)),
        (Value::String(a), Value::String(b)) => Some(a > b),
        _ => None,
    }
}

/// Theirs and what I added. Whole numbers stay whole. Nothing if one of us cleared it: that is no number to add.
fn sum(seen: &Value, mine: &Value, theirs: &Value) -> Option<Value> {
    if mine.is_null() || theirs.is_null() {
        return None;
    }
    let whole = |value: &Value| if value.is_null() { Some(0) } else { value.as_i64() };
    if let (Some(seen), Some(mine), Some(theirs)) = (whole(seen), whole(mine), whole(theirs)) {
        return Some(Value::from(theirs.checked_add(mine.checked_sub(seen)?)?));
    }
    let real = |value: &Value| if value.is_null() { Some(0.0) } else { value.as_f64() };
    Number::from_f64(real(theirs)? + (real(mine)? - real(seen)?)).map(Value::Number)
}

/// Theirs and what I added to the end, if both only added to the end.
fn append(seen: &Value, mine: &Value, theirs: &Value) -> Option<Value> {
    let seen = if seen.is_null() { "" } else { seen.as_str()? };
    let (mine, theirs) = (mine.as_str()?, theirs.as_str()?);
    let is_unchecked = mutation::is(Mutation::AppendUnchecked);
    let mine_added = mine.strip_prefix(seen).or_else(|| is_unchecked.then(|| mine.get(seen.len()..).unwrap_or("")))?;
    theirs.strip_prefix(seen).or_else(|| is_unchecked.then_some(""))?;
    let apart = if theirs.ends_with('\n') || mine_added.starts_with('\n') || theirs.is_empty() { "" } else { "\n" };
    Some(Value::String(format!("{theirs}{apart}{mine_added}")))
}

fn forward(spec: &FieldSpec, mine: &Value, theirs: &Value) -> Option<bool> {
    debug_assert!(spec.kind == Kind::Enum, "the schema orders stages by an enum's values");
    let place = |value: &Value| spec.values.iter().position(|known| value.as_str() == Some(known));
    Some((place(mine)? > place(theirs)?) != mutation::is(Mutation::ForwardIsBackward))
}

/// Whether a policy makes one value of two, whoever wrote them.
#[must_use]
pub fn joins(policy: Policy) -> bool {
    match policy {
        Policy::Sum | Policy::Union | Policy::Append | Policy::Max | Policy::Min | Policy::Forward => true,
        Policy::Ask | Policy::Latest | Policy::Server | Policy::Mine => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(policy: &str) -> FieldSpec {
        serde_json::from_value(json!({"type": "enum", "policy": policy, "values": ["lead", "proposal", "won"]})).unwrap()
    }

    fn aside(value: Value, mine: bool) -> SetAside {
        SetAside { field: "f".into(), value, mine }
    }

    /// Policy, seen, mine, theirs, and what it comes to.
    #[test]
    fn each_policy_decides() {
        let ruled = |value: Value, lost: Value, mine: bool| Merged::Ruled(value, aside(lost, mine));
        let clean = Merged::Clean;
        let cases = [
            ("ask", json!("a"), json!("b"), json!("a"), clean(json!("b"))),
            ("ask", json!("a"), json!("a"), json!("c"), clean(json!("c"))),
            ("ask", json!("a"), json!("b"), json!("b"), clean(json!("b"))),
            ("ask", json!("a"), json!("b"), json!("c"), Merged::Ask),
            ("ask", json!("a"), json!(null), json!("c"), Merged::Ask),
            ("mine", json!("a"), json!("b"), json!("c"), ruled(json!("b"), json!("c"), false)),
            ("server", json!("a"), json!("b"), json!("c"), ruled(json!("c"), json!("b"), true)),
            ("max", json!(1), json!(5), json!(3), ruled(json!(5), json!(3), false)),
            ("max", json!(1), json!(2), json!(3), ruled(json!(3), json!(2), true)),
            ("min", json!(9), json!(2), json!(3), ruled(json!(2), json!(3), false)),
            ("max", json!(1), json!(2), json!("x"), Merged::Ask),
            ("sum", json!(3), json!(4), json!(5), clean(json!(6))),
            ("sum", json!(3), json!(4), json!(4), clean(json!(5))),
            ("sum", json!(null), json!(1), json!(2), clean(json!(3))),
            ("sum", json!(0.5), json!(1.5), json!(2), clean(json!(3.0))),
            ("sum", json!("a"), json!("b"), json!("c"), Merged::Ask),
            ("sum", json!(3), json!(null), json!(5), Merged::Ask),
            ("union", json!(["a", "b"]), json!(["b", "c"]), json!(["a", "b", "d"]), clean(json!(["b", "d", "c"]))),
            ("append", json!("a"), json!("a\nm"), json!("a\nt"), clean(json!("a\nt\nm"))),
            ("append", json!("a"), json!("b"), json!("a\nt"), Merged::Ask),
            ("forward", json!("lead"), json!("proposal"), json!("won"), ruled(json!("won"), json!("proposal"), true)),
            ("forward", json!("won"), json!("proposal"), json!("lead"), ruled(json!("proposal"), json!("lead"), false)),
        ];
        for (policy, seen, mine, theirs, expected) in cases {
            let sides = Sides { seen: &seen, mine: &mine, theirs: &theirs, mine_at: None, theirs_at: None };
            assert_eq!(merge("f", &spec(policy), sides), expected, "{policy}: {seen} {mine} {theirs}");
        }
    }

    #[test]
    fn the_later_edit_wins_only_on_trusted_times_that_are_apart() {
        let (seen, mine, theirs) = (json!("a"), json!("b"), json!("c"));
        let at = |mine_at: Option<i64>, theirs_at: Option<i64>| {
            let sides = Sides {
                seen: &seen,
                mine: &mine,
                theirs: &theirs,
                mine_at: mine_at.map(Millis),
                theirs_at: theirs_at.map(Millis),
            };
            merge("f", &spec("latest"), sides)
        };
        assert_eq!(at(Some(10_000), Some(8_000)), Merged::Ruled(json!("b"), aside(json!("c"), false)));
        assert_eq!(at(Some(8_000), Some(10_000)), Merged::Ruled(json!("c"), aside(json!("b"), true)));
        assert_eq!(at(Some(10_000), Some(8_001)), Merged::Ask);
        assert_eq!(at(None, Some(8_000)), Merged::Ask);
    }
}
