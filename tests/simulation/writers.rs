//! Who writes what: people and what a restored server lacks fill the outbox, pulls and answers write bases; nobody does again
//! what another context has done; and nothing waits longer than its limit.

use fieldsync::client::CycleReport;
use fieldsync::core::backoff::RETRY_AFTER_MS_MAX;
use fieldsync::core::outbox::HOLD_MS_MAX;
use fieldsync::core::parcel::Then;
use fieldsync::ports::Write;

use crate::device::Task;
use crate::oracle::Oracle;
use crate::world::World;

/// Tasks in which a person does something; what is done only with an answer is done and answered in one task.
const PEOPLE: &[&str] = &["save", "resolve", "restore", "discard"];

impl Oracle {
    /// A commit of this disk, in a task of this name; none, if it is written without a client.
    pub fn check_writer(&mut self, disk: usize, task: &str, writes: &[Write]) {
        if task.is_empty() {
            return;
        }
        let is_person = PEOPLE.contains(&task);
        let appends = writes.iter().any(|write| matches!(write, Write::Append(_)));
        let gone = || writes.iter().filter_map(|write| if let Write::RemoveParcel(op_id) = write { Some(op_id) } else { None });
        // The opposite of what was applied, if it was to be taken back.
        let is_asked_for =
            gone().any(|op_id| self.disks[disk].parcels.get(op_id).is_some_and(|parcel| parcel.then == Some(Then::Discard)));
        let is_asking = task == "online" && gone().next().is_none();
        if appends && !is_person && !is_asked_for && !is_asking {
            self.fail("I3 only people fill the outbox", format!("{task} of device {disk} appends {writes:?}"));
        }
        if is_person && writes.iter().any(|write| matches!(write, Write::Page(_))) {
            self.fail("I3 only the server's answers are bases", format!("{task} of device {disk} writes a page"));
        }
        self.check_alone_assumed(disk, task, writes);
        self.check_holds(writes);
    }

    /// There is no lock here: what another context has taken away must be seen by who comes after it.
    fn check_alone_assumed(&mut self, disk: usize, task: &str, writes: &[Write]) {
        let here = &self.disks[disk];
        let is_gone = |write: &&Write| match write {
            Write::RemoveChange(seq) => !here.by_seq.contains_key(seq),
            Write::RemoveParcel(op_id) => !here.parcels.contains_key(op_id),
            _ => false,
        };
        if let Some(again) = writes.iter().find(is_gone) {
            self.fail("I6 what another did is not done again", format!("{task} of device {disk}: {again:?}, which is gone"));
        }
    }

    fn check_holds(&mut self, writes: &[Write]) {
        for write in writes {
            if let Write::Append(change) = write
                && let Some(until) = change.hold_until.filter(|until| until.since(change.saved_at) > HOLD_MS_MAX)
            {
                self.fail("I10 a wait has a limit", format!("{:?} is held until {until:?}", change.row));
            }
        }
    }
}

impl World {
    /// When a cycle says that it comes again. A clock that was set meanwhile says nothing.
    pub fn check_wake(&self, task: &Task, report: &CycleReport) {
        let device = &self.devices[task.device];
        if device.jumps != task.jumps {
            return;
        }
        let now = self.sim.now.get() + device.offset_ms.get();
        if let Some(at) = report.wake_at.filter(|at| at.0 - now > 2 * RETRY_AFTER_MS_MAX) {
            self.fail("I10 a wait has a limit", format!("device {} comes again in {} ms", task.device, at.0 - now));
        }
    }
}
