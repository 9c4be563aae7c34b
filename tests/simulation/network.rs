//! Requests under way. The scheduler decides what becomes of each: see `weather.rs`.

use std::collections::BTreeMap;

use fieldsync::core::protocol::Request;
use fieldsync::core::record::UserId;

/// What reaches the client.
#[derive(Clone, Debug)]
pub enum Reply {
    /// No answer: refused, timed out, cut before the head.
    Nothing,
    /// An answer, whoever gave it.
    Http { status: u16, retry_after: Option<String>, body: Vec<u8> },
}

/// Where a packet is going.
#[derive(Clone, Debug)]
pub enum Way {
    ToServer,
    ToClient(Reply),
}

/// A request, and then its answer.
#[derive(Clone, Debug)]
pub struct Packet {
    pub id: u64,
    pub device: usize,
    /// Whose database asks.
    pub user: UserId,
    pub request: Request,
    pub way: Way,
    /// Nobody waits for the answer any more.
    pub is_abandoned: bool,
}

/// All packets, and the answers that arrived.
#[derive(Default)]
pub struct Network {
    pub packets: Vec<Packet>,
    pub answers: BTreeMap<u64, Reply>,
    next: u64,
    /// Whose a request was, and whether it pulls.
    asked: BTreeMap<u64, (usize, bool)>,
}

impl Network {
    pub fn send(&mut self, device: usize, user: UserId, request: Request) -> u64 {
        self.next += 1;
        self.asked.insert(self.next, (device, matches!(request, Request::Snapshot(_) | Request::Changes(_))));
        self.packets.push(Packet { id: self.next, device, user, request, way: Way::ToServer, is_abandoned: false });
        self.next
    }

    /// The caller is gone. The request may arrive all the same.
    pub fn abandon(&mut self, id: u64) {
        self.answers.remove(&id);
        for packet in self.packets.iter_mut().filter(|packet| packet.id == id) {
            packet.is_abandoned = true;
        }
        self.packets.retain(|packet| !(packet.id == id && matches!(packet.way, Way::ToClient(_))));
    }

    /// The caller is told this; a copy of the request may stay under way.
    pub fn answer(&mut self, id: u64, reply: Reply) {
        self.answers.insert(id, reply);
    }
}
