//! `cargo xtask test`: every part, whatever became of the one before, and one line of totals.

use std::time::Instant;

use anyhow::Result;

use crate::TestArguments;
use crate::counts::Counts;
use crate::parts::Part;

/// Runs the parts; whether all passed.
pub fn test(arguments: &TestArguments) -> Result<bool> {
    let mut total = Counts::default();
    let mut table = Vec::new();
    for part in Part::ALL.into_iter().filter(|part| wanted(*part, arguments)) {
        println!("\n=== {} ===", part.title());
        let begun = Instant::now();
        let counts = part.run(&arguments.story).unwrap_or_else(|error| {
            println!("{error:#}");
            Counts::one(false)
        });
        total += counts;
        table.push((part, counts, begun.elapsed()));
    }

    println!("\n{:>7} {:>7} {:>8}", "passed", "failed", "seconds");
    for (part, counts, took) in table {
        println!("{:>7} {:>7} {:>8.1}  {}", counts.passed, counts.failed, took.as_secs_f64(), part.title());
    }
    // Whoever runs this reads its last line.
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(total.failed == 0)
}

fn wanted(part: Part, arguments: &TestArguments) -> bool {
    if arguments.only.is_empty() && !arguments.story.is_empty() {
        return part == Part::Stories;
    }
    arguments.only.is_empty() || arguments.only.contains(&part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_chosen() {
        let all = TestArguments { only: vec![], story: vec![] };
        assert!(Part::ALL.into_iter().all(|part| wanted(part, &all)));
        let one = TestArguments { only: vec![Part::Types], story: vec![] };
        assert!(wanted(Part::Types, &one) && !wanted(Part::Native, &one));
        let story = TestArguments { only: vec![], story: vec!["csp".to_owned()] };
        assert!(wanted(Part::Stories, &story) && !wanted(Part::Native, &story));
    }
}
