//! Loss accounting: a store that is gone is told to the one that came after it, in the same browser, to the same user.

use axum::body::Body;
use axum::http::{Method, header};
use fieldsync::core::protocol::{LostEpoch, PushAnswer, PushParcel, PushRequest, SeqRange, TokenAnswer};
use fieldsync::core::record::{DeviceId, Epoch, UserId};
use fieldsync_server::auth::access_token::Bearer;
use fieldsync_server::db;
use serde_json::json;
use uuid::Uuid;

use crate::common::{BUDI, PASSWORD, SARI, START, World, answer, create, push_request, update};

const PHONE: Uuid = Uuid::from_u128(501);
const TABLET: Uuid = Uuid::from_u128(502);
const OWN: &str = "https://crm.example";

/// A store of a user in a browser, on a page of an origin.
#[derive(Clone, Copy)]
struct Store {
    user: UserId,
    browser: Option<Uuid>,
    origin: &'static str,
    epoch: u128,
}

const FIRST: Store = Store { user: BUDI, browser: Some(PHONE), origin: OWN, epoch: 1 };
const SECOND: Store = Store { epoch: 2, ..FIRST };

/// A push with so many open changes, each of a record of its own.
fn open(count: u64, parcels: Vec<PushParcel>) -> PushRequest {
    let open = if count == 0 { vec![] } else { vec![SeqRange(1, count)] };
    PushRequest { open, open_records: count, ..push_request(parcels) }
}

impl Store {
    async fn push(self, world: &World, push: PushRequest) -> Vec<LostEpoch> {
        let epoch = Uuid::from_u128(self.epoch);
        let push = PushRequest { device: DeviceId(epoch), epoch: Epoch(epoch), ..push };
        let mut request = world.request(self.user, Method::POST, "/sync/v1/push", Body::from(serde_json::to_vec(&push).unwrap()));
        let bearer = Bearer { user: self.user, browser: self.browser };
        let token = world.state.signer().sign(bearer, world.state.now().plus(60_000)).unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        request.headers_mut().insert(header::ORIGIN, self.origin.parse().unwrap());
        answer::<PushAnswer>(world.call(request).await).await.unwrap().lost
    }

    fn lost(self, count: u64) -> Vec<LostEpoch> {
        vec![LostEpoch { epoch: Epoch(Uuid::from_u128(self.epoch)), changes: count, records: count, seen_at: START }]
    }
}

#[tokio::test]
async fn what_was_open_in_a_store_that_is_gone_is_told_to_the_next() {
    for world in World::both() {
        assert_eq!(FIRST.push(&world, open(3, vec![])).await, []);
        world.later(1_000);
        assert_eq!(SECOND.push(&world, open(0, vec![])).await, FIRST.lost(3));
        // Until the user knows.
        assert_eq!(SECOND.push(&world, open(0, vec![])).await, FIRST.lost(3));
        let known = PushRequest { acknowledged: vec![Epoch(Uuid::from_u128(1))], ..open(0, vec![]) };
        assert_eq!(SECOND.push(&world, known).await, []);
        assert_eq!(SECOND.push(&world, open(0, vec![])).await, []);
        // And a third store is not told again.
        assert_eq!(Store { epoch: 3, ..FIRST }.push(&world, open(0, vec![])).await, []);
    }
}

/// A restored server may have forgotten that it told, and that the second store was ever there.
#[tokio::test]
async fn what_the_user_knows_is_not_told_by_a_server_that_forgot() {
    for world in World::both() {
        FIRST.push(&world, open(3, vec![])).await;
        let known = PushRequest { acknowledged: vec![Epoch(Uuid::from_u128(1))], ..open(0, vec![]) };
        assert_eq!(SECOND.push(&world, known).await, []);
        assert_eq!(SECOND.push(&world, open(0, vec![])).await, []);
    }
}

#[tokio::test]
async fn a_store_that_pushes_again_is_not_lost() {
    for world in World::both() {
        FIRST.push(&world, open(2, vec![])).await;
        assert_eq!(SECOND.push(&world, open(1, vec![])).await, FIRST.lost(2));
        assert_eq!(FIRST.push(&world, open(2, vec![])).await, [], "nor is the one beside it, which came later");
        assert_eq!(SECOND.push(&world, open(1, vec![])).await, []);
        // Both go, and a third comes.
        let third = Store { epoch: 3, ..FIRST };
        assert_eq!(third.push(&world, open(0, vec![])).await, [FIRST.lost(2), SECOND.lost(1)].concat());
    }
}

#[tokio::test]
async fn another_user_browser_or_origin_hears_nothing() {
    for world in World::both() {
        FIRST.push(&world, open(2, vec![])).await;
        let others = [
            Store { user: SARI, epoch: 3, ..FIRST },
            Store { browser: Some(TABLET), epoch: 4, ..FIRST },
            Store { origin: "https://other.example", epoch: 5, ..FIRST },
            Store { browser: None, epoch: 6, ..FIRST },
        ];
        for other in others {
            assert_eq!(other.push(&world, open(0, vec![])).await, []);
        }
        assert_eq!(SECOND.push(&world, open(0, vec![])).await, FIRST.lost(2), "and took nothing from who does");
    }
}

#[tokio::test]
async fn what_a_store_said_goodbye_to_or_had_answered_is_not_lost() {
    for world in World::both() {
        FIRST.push(&world, PushRequest { goodbye: true, ..open(2, vec![]) }).await;
        assert_eq!(SECOND.push(&world, open(0, vec![])).await, []);
        // Two parcels, and one is answered for good.
        let third = Store { epoch: 3, ..FIRST };
        let waits = PushParcel { schema: 2, ..world.parcel(vec![create("customers", world.id(), json!({"name": "B"}))]) };
        let parcels = vec![world.parcel(vec![create("customers", world.id(), json!({"name": "A"}))]), waits];
        third.push(&world, open(3, parcels)).await;
        let fourth = Store { epoch: 4, ..FIRST };
        assert_eq!(fourth.push(&world, open(0, vec![])).await, third.lost(2));
    }
}

#[tokio::test]
async fn a_store_is_counted_once_its_token_says_the_browser_and_a_preview_counts_nothing() {
    for world in World::both() {
        FIRST.push(&world, open(1, vec![])).await;
        // An access token from before there was a device cookie.
        assert_eq!(Store { browser: None, ..SECOND }.push(&world, open(0, vec![])).await, []);
        assert_eq!(SECOND.push(&world, open(0, vec![])).await, FIRST.lost(1));
        let id = world.create(BUDI, "customers", json!({"name": "A"})).await;
        let parcels = vec![world.parcel(vec![update("customers", id, 1, json!({"name": "B"}))])];
        let preview: PushAnswer = world.post(BUDI, "/sync/v1/preview", &open(0, parcels)).await.unwrap();
        assert_eq!(preview.lost, []);
        let key = (DeviceId(Uuid::from_u128(2)), Epoch(Uuid::from_u128(2)));
        let row = db::read(&*world.db, |tx| tx.device(BUDI, key.0, key.1)).unwrap().unwrap();
        assert_eq!((row.browser, row.origin.as_deref()), (Some(PHONE), Some(OWN)));
    }
}

#[tokio::test]
async fn a_store_is_remembered_for_as_long_as_its_browser() {
    const DAYS_400: i64 = 400 * 24 * 60 * 60 * 1_000;
    for world in World::both() {
        FIRST.push(&world, open(2, vec![])).await;
        world.later(DAYS_400 - 1);
        assert_eq!(SECOND.push(&world, open(0, vec![])).await, FIRST.lost(2));
        world.later(1);
        assert_eq!(Store { epoch: 3, ..FIRST }.push(&world, open(0, vec![])).await, []);
        let rows = db::read(&*world.db, |tx| tx.devices(BUDI, PHONE)).unwrap();
        assert_eq!(rows.len(), 2);
    }
}

#[tokio::test]
async fn a_browser_keeps_its_id_through_sign_ins_and_sign_outs() {
    let world = World::new();
    let ask = async |method: Method, cookie: String, body: serde_json::Value| {
        let request = axum::http::Request::builder().method(method).uri("/auth/v1/token").header(header::HOST, "crm.example");
        let request = request.header(header::ORIGIN, OWN).header(header::COOKIE, cookie);
        let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap();
        world.call(request).await
    };
    let set = |response: &axum::http::Response<Body>| -> Vec<String> {
        response.headers().get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    let password = || json!({"grant": "password", "username": "budi", "password": PASSWORD});
    let response = ask(Method::POST, "a=b".into(), password()).await;
    let cookies = set(&response);
    let device = cookies.iter().find(|cookie| cookie.starts_with("fieldsync_device=")).unwrap().clone();
    for part in ["; Path=/auth/v1;", "; Max-Age=34560000;", "; HttpOnly", "; SameSite=Strict", "; Secure"] {
        assert!(device.contains(part), "{device}");
    }
    let pair = device.split(';').next().unwrap().to_owned();
    let browser: Uuid = pair.split('=').nth(1).unwrap().parse().unwrap();
    let token: TokenAnswer = answer(response).await.unwrap();
    assert_eq!(world.state.signer().read(&token.access_token, START), Some(Bearer { user: BUDI, browser: Some(browser) }));
    let refresh = cookies[0].split(';').next().unwrap();
    let refreshed = ask(Method::POST, format!("{refresh}; {pair}"), json!({"grant": "refresh"})).await;
    assert!(set(&refreshed)[1].starts_with(&pair));
    let out = ask(Method::DELETE, format!("{refresh}; {pair}"), json!({})).await;
    assert!(set(&out).iter().all(|cookie| !cookie.contains("fieldsync_device")));
    let again = ask(Method::POST, pair.clone(), password()).await;
    let token: TokenAnswer = answer(again).await.unwrap();
    assert_eq!(world.state.signer().read(&token.access_token, START).unwrap().browser, Some(browser));
    // A made-up id is none.
    let made_up = ask(Method::POST, "fieldsync_device=nonsense".into(), password()).await;
    assert!(!set(&made_up)[1].contains("nonsense"));
}
