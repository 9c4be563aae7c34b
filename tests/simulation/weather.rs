//! What becomes of packets: delivered, lost, cut, doubled, late, answered by somebody else or with every error there is.

use fieldsync::core::protocol::{ProblemCode, Request};
use fieldsync::core::record::UserId;
use fieldsync::core::rows::meta;
use fieldsync::ports::Read;

use crate::network::{Packet, Reply, Way};
use crate::random::Random;
use crate::server::{Http, SARI};
use crate::world::{Fate, World};

/// What somebody on the way answers.
const PORTAL: &[(u16, &str)] = &[
    (200, "portal 200"),
    (302, "portal 302"),
    (401, "portal 401"),
    (403, "portal 403"),
    (404, "portal 404"),
    (410, "portal 410"),
    (413, "portal 413"),
    (429, "portal 429"),
    (500, "portal 500"),
    (503, "portal 503"),
];

/// What our server itself may say instead of doing it.
const OURS: &[(ProblemCode, &str)] = &[
    (ProblemCode::Malformed, "ours 400"),
    (ProblemCode::SignedOut, "ours 401"),
    (ProblemCode::Forbidden, "ours 403"),
    (ProblemCode::NotFound, "ours 404"),
    (ProblemCode::TooLarge, "ours 413"),
    (ProblemCode::Unsupported, "ours 415"),
    (ProblemCode::Validation, "ours 422"),
    (ProblemCode::Outdated, "ours 426"),
    (ProblemCode::TooMany, "ours 429"),
    (ProblemCode::Internal, "ours 500"),
    (ProblemCode::Unavailable, "ours 503"),
];

impl World {
    /// Moves one packet on.
    pub fn network_step(&mut self, random: &mut Random) -> bool {
        let count = self.sim.network.borrow().packets.len();
        if count == 0 {
            return false;
        }
        let index = random.below(count);
        let packet = self.sim.network.borrow_mut().packets.remove(index);
        let rough = random.percent(self.weather.network);
        match &packet.way {
            Way::ToServer if rough && !packet.is_abandoned => self.rough_request(packet, random),
            Way::ToServer => self.request_arrives(packet, random),
            Way::ToClient(_) if rough => self.rough_answer(packet, random),
            Way::ToClient(reply) => self.answer_arrives(packet.id, reply.clone()),
        }
        true
    }

    fn answer_arrives(&mut self, id: u64, reply: Reply) {
        self.say(|_| format!("packet {id}: {}", describe(&reply)));
        self.sim.network.borrow_mut().answer(id, reply);
    }

    fn request_arrives(&mut self, packet: Packet, random: &mut Random) {
        let answer = self.serve(&packet, random);
        if packet.is_abandoned {
            self.sim.count("fault", "request late");
            return;
        }
        self.sim.network.borrow_mut().packets.push(Packet { way: Way::ToClient(answer), ..packet });
    }

    fn rough_request(&mut self, packet: Packet, random: &mut Random) {
        let id = packet.id;
        match random.below(7) {
            0 => {
                self.sim.count("fault", "request lost");
                self.answer_arrives(id, Reply::Nothing);
            }
            1 => {
                // The caller gives up, and the request is still on its way.
                self.answer_arrives(id, Reply::Nothing);
                self.sim.network.borrow_mut().packets.push(Packet { is_abandoned: true, ..packet });
            }
            2 => {
                self.sim.count("fault", "request twice");
                self.sim.network.borrow_mut().packets.push(Packet { is_abandoned: true, ..packet.clone() });
                self.request_arrives(packet, random);
            }
            3 => {
                let (status, name) = PORTAL[random.below(PORTAL.len())];
                self.sim.count("fault", name);
                let retry_after = random.percent(20).then(|| after_s(random).to_string());
                self.answer_arrives(
                    id,
                    Reply::Http { status, retry_after, body: b"<html>Please sign in to the network".to_vec() },
                );
            }
            4 => {
                let (code, name) = OURS[random.below(OURS.len())];
                self.sim.count("fault", name);
                self.trouble(&packet.request);
                let after = random.percent(30).then(|| after_s(random));
                if after.is_some() {
                    self.sim.count("fault", "retry-after");
                }
                let http = self.server.refuse(packet.user, self.sim.now.get(), code, after);
                self.answer_arrives(id, reply(http));
            }
            // A new database takes the first server that answers: this one must know its own.
            5 if self.knows_server(packet.device) => {
                self.sim.count("fault", "another server");
                let http = self.server.stranger(packet.user, self.sim.now.get());
                self.answer_arrives(id, reply(http));
            }
            _ => {
                self.sim.count("fault", "another user");
                let other = if packet.user == SARI { crate::server::BUDI } else { SARI };
                // The server does nothing for a request that names another user; but a page may come out of a shared cache.
                let answer = match packet.request {
                    Request::Changes(_) | Request::Snapshot(_) => self.serve_as(other, packet.device, &packet.request, random),
                    _ => self.server.refuse(other, self.sim.now.get(), ProblemCode::WrongUser, None),
                };
                self.answer_arrives(id, reply(answer));
            }
        }
    }

    fn knows_server(&self, device: usize) -> bool {
        self.devices[device].store.peek(&[Read::Meta]).meta.contains_key(meta::SERVER_EPOCH)
    }

    fn rough_answer(&mut self, packet: Packet, random: &mut Random) {
        let Way::ToClient(answer) = packet.way else { return };
        match (random.below(3), answer) {
            (0, Reply::Http { status, retry_after, mut body }) => {
                self.sim.count("fault", "answer cut");
                let length = random.below(body.len());
                body.truncate(length);
                self.answer_arrives(packet.id, Reply::Http { status, retry_after, body });
            }
            (1, _) => {
                self.sim.count("fault", "answer lost");
                self.answer_arrives(packet.id, Reply::Nothing);
            }
            (_, answer) => self.sim.network.borrow_mut().packets.push(Packet { way: Way::ToClient(answer), ..packet }),
        }
    }

    /// Our server itself did not settle what this carries.
    fn trouble(&self, request: &Request) {
        if let Request::Push(push) = request {
            let mut oracle = self.sim.oracle.borrow_mut();
            push.parcels.iter().for_each(|parcel| oracle.server.trouble(parcel.op_id));
        }
    }

    /// Brings a request to the server and its answer back, at once; or what a script wants to become of a push.
    pub fn deliver_now(&mut self, id: u64) -> Fate {
        let packet = {
            let mut network = self.sim.network.borrow_mut();
            let index = network.packets.iter().position(|packet| packet.id == id && !packet.is_abandoned);
            index.map(|index| network.packets.remove(index))
        };
        let Some(packet) = packet else { return Fate::Answered };
        let mut random = self.sim.random.borrow().clone();
        random.bits();
        let is_push = matches!(&packet.request, Request::Push(push) if !push.parcels.is_empty());
        let fate = if is_push { std::mem::take(&mut self.next_push) } else { Fate::Answered };
        if fate == Fate::Portal {
            let body = b"<html>Blocked".to_vec();
            self.answer_arrives(id, Reply::Http { status: 403, retry_after: None, body });
            return fate;
        }
        if fate == Fate::Late {
            self.answer_arrives(id, Reply::Nothing);
            self.script.late.push(Packet { is_abandoned: true, ..packet });
            return fate;
        }
        let answer = match &packet.way {
            Way::ToServer => self.serve(&packet, &mut random),
            Way::ToClient(answer) => answer.clone(),
        };
        match fate {
            Fate::AnswerLost => self.answer_arrives(id, Reply::Nothing),
            Fate::Held => self.sim.network.borrow_mut().packets.push(Packet { way: Way::ToClient(answer), ..packet }),
            Fate::Answered | Fate::Portal | Fate::Late => self.answer_arrives(id, answer),
        }
        fate
    }

    /// A request that nobody waits for reaches the server all the same.
    pub fn late(&mut self, packet: Packet, random: &mut Random) {
        self.sim.count("fault", "request late");
        if matches!(packet.way, Way::ToServer) {
            self.serve(&packet, random);
        }
    }

    /// What the server answers to a packet, with the session of its device.
    fn serve(&mut self, packet: &Packet, random: &mut Random) -> Reply {
        let now = self.sim.now.get();
        let device = &mut self.devices[packet.device];
        if let Some(other) = device.other_user.filter(|other| *other != packet.user) {
            let wrong = self.server.refuse(other, now, ProblemCode::WrongUser, None);
            return reply(wrong);
        }
        if !device.has_access {
            let Some(token) = device.token.clone() else {
                return reply(self.server.refuse(packet.user, now, ProblemCode::SignedOut, None));
            };
            match self.server.use_token(&token, now, random) {
                None => {
                    self.fail("S12 a lost answer signs nobody out", format!("device {} was signed out", packet.device));
                    return Reply::Nothing;
                }
                Some(_) if random.percent(self.weather.network) => {
                    self.sim.count("fault", "refresh answer lost");
                    return Reply::Nothing;
                }
                Some(next) => {
                    let device = &mut self.devices[packet.device];
                    (device.token, device.has_access) = (Some(next), true);
                }
            }
        }
        reply(self.serve_as(packet.user, packet.device, &packet.request, random))
    }

    fn serve_as(&mut self, user: UserId, device: usize, request: &Request, random: &mut Random) -> Http {
        let now = self.sim.now.get();
        let mut oracle = self.sim.oracle.borrow_mut();
        let (http, pushed) = self.server.handle((user, Some(device)), request, now, random, &mut oracle.server);
        pushed.iter().for_each(|pushed| {
            self.sim.count("class", outcome_name(&pushed.outcome));
            oracle.pushed(pushed);
        });
        let (wrong, seen) = std::mem::take(&mut oracle.server.losses);
        if let Some(why) = wrong {
            oracle.fail("I8 what is lost is said", why);
        }
        drop(oracle);
        seen.into_iter().for_each(|name| self.sim.count("loss", name));
        if http.status != 200 {
            self.trouble(request);
        }
        http
    }
}

/// So long a server wants to be left alone: some minutes, or more than anybody waits.
fn after_s(random: &mut Random) -> u32 {
    if random.percent(25) { 365 * 24 * 60 * 60 } else { random.between(1, 600) as u32 }
}

fn outcome_name(outcome: &fieldsync::core::protocol::Outcome) -> &'static str {
    use fieldsync::core::protocol::Outcome;
    match outcome {
        Outcome::Applied { .. } => "applied",
        Outcome::Known { .. } => "known",
        Outcome::Conflict { .. } => "conflict",
        Outcome::Rejected { problem } if problem.code == ProblemCode::Forbidden => "forbidden",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Retry { .. } => "retry",
        Outcome::Blocked { .. } => "blocked",
        Outcome::Voided => "voided",
    }
}

fn reply(http: Http) -> Reply {
    Reply::Http { status: http.status, retry_after: http.retry_after.map(|s| s.to_string()), body: http.body }
}

fn describe(reply: &Reply) -> String {
    match reply {
        Reply::Nothing => "no answer".to_owned(),
        Reply::Http { status, body, .. } => {
            let text: String = String::from_utf8_lossy(body).chars().take(600).collect();
            format!("answer {status} {text}")
        }
    }
}
