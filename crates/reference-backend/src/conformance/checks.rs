//! What the contract demands, one function each.

use std::io::Write as _;
use std::pin::Pin;
use std::time::{Duration, Instant};

use answerback_backend::EventType;
use flate2::{Compression, write::GzEncoder};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::kit::{Failure, Kit, Tracked, answer, ensure};

type Outcome<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;
type Check = for<'a> fn(&'a Kit) -> Outcome<'a>;

macro_rules! checks {
    ($($check:ident: $name:literal,)*) => {
        /// Every check with what it is about.
        pub const ALL: &[(&str, Check)] = &[$(($name, |kit| Box::pin($check(kit))),)*];
    };
}

checks! {
    alive: "the server says that it is alive",
    tokens: "a request without a good token, or with the wrong one, is refused with a problem",
    feed_gives_sends: "a send of the platform comes to the laptop, with every field",
    feed_gives_changes: "the feed gives what changed since the cursor, and what was removed",
    feed_pages: "the feed comes in pages, each send once",
    feed_waits: "a long poll waits, and ends as soon as there is something",
    feed_cursor_expires: "a cursor that is not known is answered 410",
    sends_are_checked: "a send that can't be tracked is rejected, the others are taken",
    sends_unchanged: "a send that has not changed does not come again",
    policy_etag: "the policy has an ETag and is not sent again",
    events_once: "each event counts once, also within its batch",
    events_in_order: "events come to the platform as they were sent, in order",
    events_partly_rejected: "one bad event of a batch is rejected, the others are taken",
    events_limits: "a batch that is too large, no array or of another type is refused as a whole",
    events_gzip: "a batch may be compressed",
    stop: "a stop ends the campaign for this prospect, and a later reply is still logged",
    stop_concerns_one_prospect: "a stop concerns one prospect in one campaign",
    pause: "a pause holds the campaign until its day, and one in the past does not",
    suppress: "an address that was suppressed is not mailed in any campaign",
    retract: "a retraction takes a stop back, also when it comes first",
    gate_holds: "the gate holds until the mailbox was checked",
    gate_not_fooled: "the gate does not believe coverage of the future, of a laptop whose clock is ahead",
    gate_never_sent: "the gate of a send that is not there is answered 404, and a bad question 400",
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

async fn alive(kit: &Kit) -> Result<(), Failure> {
    for path in ["/healthz", "/readyz"] {
        answer(kit.anonymous(Method::GET, path)).await?.expect(StatusCode::OK)?;
    }
    answer(kit.anonymous(Method::GET, "/v1/no-such-thing")).await?.expect(StatusCode::NOT_FOUND).map(drop)
}

async fn tokens(kit: &Kit) -> Result<(), Failure> {
    for path in ["/v1/sends", "/v1/policy", "/v1/events", "/v1/gate?send_id=x"] {
        answer(kit.anonymous(Method::GET, path)).await?.problem(StatusCode::UNAUTHORIZED)?;
        let wrong = kit.anonymous(Method::GET, path).bearer_auth("ab_wrong");
        answer(wrong).await?.problem(StatusCode::UNAUTHORIZED)?;
    }
    answer(kit.platform(Method::GET, "/v1/sends")).await?.problem(StatusCode::FORBIDDEN)?;
    answer(kit.laptop(Method::GET, "/v1/events")).await?.problem(StatusCode::FORBIDDEN)?;
    answer(kit.laptop(Method::GET, "/v1/gate?send_id=x")).await?.problem(StatusCode::FORBIDDEN)?;
    answer(kit.laptop(Method::POST, "/v1/sends").json(&json!([]))).await?.problem(StatusCode::FORBIDDEN)
}

async fn feed_gives_sends(kit: &Kit) -> Result<(), Failure> {
    let send = kit.tracked(DAY);
    kit.put_sends(&[&send]).await?;
    let (sends, ..) = kit.feed(None).await?;
    let found = sends.iter().find(|s| s["id"] == *send.id).ok_or(Failure("the send does not come".into()))?;
    for (field, value) in send.json.as_object().into_iter().flatten().filter(|(field, _)| *field != "sent_at")
    {
        ensure(found.get(field) == Some(value), || format!("{field} came as {:?}", found.get(field)))?;
    }
    remove(kit, &[&send]).await
}

async fn feed_gives_changes(kit: &Kit) -> Result<(), Failure> {
    let (_, _, cursor) = kit.feed(None).await?;
    let (mut one, two) = (kit.tracked(DAY), kit.tracked(DAY));
    kit.put_sends(&[&one, &two]).await?;
    let (sends, _, cursor) = kit.feed(Some(cursor)).await?;
    ensure(ids(&sends) == [&*one.id, &*two.id], || format!("{:?} came, oldest first", ids(&sends)))?;
    one.json["subject"] = json!("Space Paranoids 2");
    kit.put_sends(&[&one]).await?;
    let (sends, _, cursor) = kit.feed(Some(cursor)).await?;
    let subjects: Vec<&Value> = sends.iter().map(|s| &s["subject"]).collect();
    ensure(subjects == ["Space Paranoids 2"], || format!("{subjects:?} came after a change of one send"))?;
    remove(kit, &[&one, &two]).await?;
    let (sends, removed, cursor) = kit.feed(Some(cursor)).await?;
    ensure(sends.is_empty() && removed == [&*one.id, &*two.id], || format!("{removed:?} were removed"))?;
    let (sends, removed, _) = kit.feed(Some(cursor)).await?;
    ensure(sends.is_empty() && removed.is_empty(), || "something came twice".into())
}

async fn feed_pages(kit: &Kit) -> Result<(), Failure> {
    let (_, _, mut cursor) = kit.feed(None).await?;
    let sends: Vec<Tracked> = (0..5).map(|_| kit.tracked(DAY)).collect();
    let sends: Vec<&Tracked> = sends.iter().collect();
    kit.put_sends(&sends).await?;
    let mut came = Vec::new();
    for expected in [2, 2, 1] {
        let request = kit.laptop(Method::GET, "/v1/sends?limit=2").query(&[("cursor", &cursor)]);
        let page = answer(request).await?.expect(StatusCode::OK)?.body;
        let page_ids: Vec<String> = page["sends"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|s| s["id"].as_str().map(str::to_owned))
            .collect();
        let more = page["has_more"] == json!(true);
        ensure(page_ids.len() == expected && more == (expected == 2), || format!("a page of 2 was {page}"))?;
        came.extend(page_ids);
        cursor = page["next_cursor"].as_str().unwrap_or_default().to_owned();
    }
    ensure(came.iter().eq(sends.iter().map(|s| &s.id)), || format!("{came:?} came"))?;
    remove(kit, &sends).await
}

async fn feed_waits(kit: &Kit) -> Result<(), Failure> {
    let (_, _, cursor) = kit.feed(None).await?;
    let poll = |seconds: &'static str| {
        kit.laptop(Method::GET, "/v1/sends").query(&[("cursor", cursor.as_str()), ("wait", seconds)])
    };
    let began = Instant::now();
    answer(poll("1")).await?.expect(StatusCode::OK)?;
    ensure(began.elapsed() >= Duration::from_millis(900), || {
        format!("it waited {:?}, not 1 s", began.elapsed())
    })?;
    let send = kit.tracked(DAY);
    let waiting = tokio::spawn(answer(poll("20")));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    kit.put_sends(&[&send]).await?;
    let page = waiting.await.map_err(|e| Failure(e.to_string()))??.expect(StatusCode::OK)?.body;
    ensure(page["sends"][0]["id"] == *send.id, || format!("the long poll gave {page}"))?;
    ensure(began.elapsed() < Duration::from_secs(10), || format!("it took {:?} to notice", began.elapsed()))?;
    remove(kit, &[&send]).await
}

async fn feed_cursor_expires(kit: &Kit) -> Result<(), Failure> {
    answer(kit.laptop(Method::GET, "/v1/sends?cursor=not-one-of-yours")).await?.problem(StatusCode::GONE)?;
    answer(kit.laptop(Method::GET, "/v1/sends?limit=0")).await?.problem(StatusCode::BAD_REQUEST)
}

async fn sends_are_checked(kit: &Kit) -> Result<(), Failure> {
    let good = kit.tracked(DAY);
    let mut without_ids = kit.tracked(DAY);
    without_ids.json["message_ids"] = json!([]);
    let mut without_time = kit.tracked(DAY);
    without_time.json["sent_at"] = json!("yesterday");
    let mut by_marker = kit.tracked(DAY);
    by_marker.json["message_ids"] = json!([]);
    by_marker.json["marker"] = json!("ab1_9f");
    let answer = kit.put_sends(&[&without_ids, &good, &without_time, &by_marker]).await?;
    let results = answer.body["results"].as_array().cloned().unwrap_or_default();
    let statuses: Vec<&str> = results.iter().map(|r| r["status"].as_str().unwrap_or_default()).collect();
    ensure(statuses == ["rejected", "created", "rejected", "created"], || {
        format!("the results are {results:?}")
    })?;
    remove(kit, &[&good, &by_marker]).await
}

async fn sends_unchanged(kit: &Kit) -> Result<(), Failure> {
    let send = kit.tracked(DAY);
    kit.put_sends(&[&send]).await?;
    let (_, _, cursor) = kit.feed(None).await?;
    kit.put_sends(&[&send]).await?;
    let (sends, ..) = kit.feed(Some(cursor)).await?;
    ensure(sends.is_empty(), || format!("{:?} came again", ids(&sends)))?;
    remove(kit, &[&send]).await
}

async fn policy_etag(kit: &Kit) -> Result<(), Failure> {
    let first = answer(kit.laptop(Method::GET, "/v1/policy")).await?.expect(StatusCode::OK)?;
    ensure(first.body.is_object(), || format!("the policy is {}", first.body))?;
    let etag = first.etag.ok_or(Failure("there is no ETag".into()))?;
    let again = kit.laptop(Method::GET, "/v1/policy").header("if-none-match", etag);
    answer(again).await?.expect(StatusCode::NOT_MODIFIED).map(drop)
}

async fn events_once(kit: &Kit) -> Result<(), Failure> {
    let send = ready(kit).await?;
    let (stop, log) = (stop_event(kit, &send, "<r1@x>", "reply"), log_event(kit, &send, "<r1@x>"));
    expect(kit, &[&stop, &log, &stop], &["accepted", "accepted", "duplicate"]).await?;
    expect(kit, &[&log, &stop], &["duplicate", "duplicate"]).await?;
    let mut changed = log.clone();
    changed["data"]["confidence"] = json!(0.5);
    expect(kit, &[&changed], &["duplicate"]).await?;
    let pulled = kit.pulled(&send).await?;
    ensure(pulled.len() == 2, || format!("{} events can be pulled, not 2", pulled.len()))
}

async fn events_in_order(kit: &Kit) -> Result<(), Failure> {
    let send = ready(kit).await?;
    let sent: Vec<Value> = (0..5).map(|n| log_event(kit, &send, &format!("<r{n}@x>"))).collect();
    for batch in sent.chunks(2) {
        kit.push(batch).await?;
    }
    let pulled = kit.pulled(&send).await?;
    ensure(pulled == sent, || format!("{pulled:?} came instead of {sent:?}"))
}

async fn events_partly_rejected(kit: &Kit) -> Result<(), Failure> {
    let send = ready(kit).await?;
    let mut unknown = stop_event(kit, &send, "<r1@x>", "reply");
    unknown["type"] = json!("com.example.other.v1");
    let mut incomplete = stop_event(kit, &send, "<r2@x>", "reply");
    incomplete["data"] = json!({});
    let good = log_event(kit, &send, "<r3@x>");
    expect(kit, &[&unknown, &good, &incomplete], &["rejected", "accepted", "rejected"]).await?;
    kit.gate_is(&send, "stopped", None)
        .await
        .err()
        .map(drop)
        .ok_or(Failure("a rejected stop took effect".into()))
}

async fn events_limits(kit: &Kit) -> Result<(), Failure> {
    let many = serde_json::to_vec(&vec![json!({}); 501]).unwrap_or_default();
    answer(kit.batch(many)).await?.problem(StatusCode::PAYLOAD_TOO_LARGE)?;
    let large = format!("[{}]", " ".repeat(1024 * 1024)).into_bytes();
    answer(kit.batch(large.clone())).await?.problem(StatusCode::PAYLOAD_TOO_LARGE)?;
    let packed = kit.batch(gzip(&large)?).header("content-encoding", "gzip");
    answer(packed).await?.problem(StatusCode::PAYLOAD_TOO_LARGE)?;
    answer(kit.batch(b"{}".to_vec())).await?.problem(StatusCode::BAD_REQUEST)?;
    answer(kit.batch(b"[".to_vec())).await?.problem(StatusCode::BAD_REQUEST)?;
    let text = kit.laptop(Method::POST, "/v1/events").header("content-type", "text/plain").body("[]");
    answer(text).await?.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

async fn events_gzip(kit: &Kit) -> Result<(), Failure> {
    let send = ready(kit).await?;
    let batch = serde_json::to_vec(&[log_event(kit, &send, "<r1@x>")]).unwrap_or_default();
    let packed = kit.batch(gzip(&batch)?).header("content-encoding", "gzip");
    let answer = answer(packed).await?.expect(StatusCode::OK)?;
    ensure(answer.body["results"][0]["status"] == "accepted", || format!("{} came", answer.body))
}

async fn stop(kit: &Kit) -> Result<(), Failure> {
    for reason in ["reply", "opt_out", "calendar_response", "bounce", "complaint"] {
        let send = ready(kit).await?;
        expect(kit, &[&stop_event(kit, &send, "<r1@x>", reason)], &["accepted"]).await?;
        kit.gate_is(&send, "stopped", Some(reason)).await?;
        expect(kit, &[&log_event(kit, &send, "<r2@x>")], &["accepted"]).await?;
        kit.gate_is(&send, "stopped", Some(reason)).await?;
    }
    Ok(())
}

async fn stop_concerns_one_prospect(kit: &Kit) -> Result<(), Failure> {
    let (one, mut other) = (ready(kit).await?, kit.tracked(DAY));
    other.json["campaign"]["id"] = json!(one.campaign);
    other.campaign.clone_from(&one.campaign);
    kit.put_sends(&[&other]).await?;
    kit.push(&[stop_event(kit, &one, "<r1@x>", "reply")]).await?;
    kit.gate_is(&one, "stopped", Some("reply")).await?;
    kit.gate_is(&other, "clear", None).await
}

async fn pause(kit: &Kit) -> Result<(), Failure> {
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let day = |days: i64| today.saturating_add(jiff::Span::new().days(days));
    let pause = |send: &Tracked, id: &str, days: i64| {
        kit.event(EventType::Pause, send, id, &json!({"until": day(days), "reason": "auto_reply"}))
    };
    let send = ready(kit).await?;
    kit.push(&[pause(&send, "<r1@x>", -3)]).await?;
    kit.gate_is(&send, "clear", None).await?;
    kit.push(&[pause(&send, "<r2@x>", 9), pause(&send, "<r3@x>", 5)]).await?;
    kit.gate_is(&send, "paused", Some("auto_reply")).await?;
    let until = kit.gate(&send).await?["until"].as_str().unwrap_or_default().to_owned();
    ensure(until.starts_with(&day(9).to_string()), || {
        format!("it is paused until {until}, not until {}", day(9))
    })?;
    kit.push(&[stop_event(kit, &send, "<r4@x>", "reply")]).await?;
    kit.gate_is(&send, "stopped", Some("reply")).await
}

async fn suppress(kit: &Kit) -> Result<(), Failure> {
    let (one, mut other) = (ready(kit).await?, kit.tracked(DAY));
    other.json["prospect"]["email"] = json!(one.address.to_uppercase());
    kit.put_sends(&[&other]).await?;
    kit.gate_is(&other, "clear", None).await?;
    let data = json!({"address": one.address, "reason": "opt_out"});
    let event = kit.event(EventType::Suppress, &one, "<r1@x>", &data);
    expect(kit, &[&event], &["accepted"]).await?;
    kit.gate_is(&other, "stopped", Some("suppressed")).await
}

async fn retract(kit: &Kit) -> Result<(), Failure> {
    let send = ready(kit).await?;
    let (reply, bounce) =
        (stop_event(kit, &send, "<r1@x>", "reply"), stop_event(kit, &send, "<r2@x>", "bounce"));
    let retraction = |event: &Value, id: &str| {
        kit.event(
            EventType::Retract,
            &send,
            id,
            &json!({"event_ids": [event["id"]], "reason": "not_a_reply"}),
        )
    };
    kit.push(&[reply.clone(), bounce.clone()]).await?;
    kit.gate_is(&send, "stopped", Some("reply")).await?;
    kit.push(&[retraction(&reply, "<t1@x>")]).await?;
    kit.gate_is(&send, "stopped", Some("bounce")).await?;
    kit.push(&[retraction(&bounce, "<t2@x>")]).await?;
    kit.gate_is(&send, "clear", None).await?;
    expect(kit, &[&reply], &["duplicate"]).await?;
    kit.gate_is(&send, "clear", None).await?;
    let late = stop_event(kit, &send, "<r3@x>", "reply");
    kit.push(&[retraction(&late, "<t3@x>")]).await?;
    expect(kit, &[&late], &["accepted"]).await?;
    kit.gate_is(&send, "clear", None).await
}

async fn gate_holds(kit: &Kit) -> Result<(), Failure> {
    let now = Timestamp::now();
    // The coverage of earlier checks is newer than a send of the past: this one goes out a day after it.
    let send = kit.tracked(-DAY);
    kit.put_sends(&[&send]).await?;
    kit.gate_is(&send, "hold", None).await?;
    let gate = kit.gate(&send).await?;
    let until: Option<Timestamp> = gate["until"].as_str().and_then(|t| t.parse().ok());
    ensure(until.is_some_and(|u| u > now), || format!("a hold has an end in the future: {gate}"))?;
    let checked = ready(kit).await?;
    kit.gate_is(&checked, "clear", None).await?;
    let old = kit.coverage(now.checked_sub(DAY * 3).unwrap_or_default())?;
    kit.push(&[old]).await?;
    kit.gate_is(&checked, "clear", None).await.map_err(|f| Failure(format!("after an older coverage, {f}")))
}

async fn gate_not_fooled(kit: &Kit) -> Result<(), Failure> {
    let send = kit.tracked(-DAY);
    kit.put_sends(&[&send]).await?;
    let ahead = Timestamp::now().checked_add(DAY * 3).unwrap_or_default();
    // Whether it is rejected or cut down to now is the backend's choice.
    kit.push(&[kit.coverage(ahead)?]).await?;
    kit.gate_is(&send, "hold", None).await
}

async fn gate_never_sent(kit: &Kit) -> Result<(), Failure> {
    answer(kit.platform(Method::GET, "/v1/gate?send_id=no-such-send"))
        .await?
        .problem(StatusCode::NOT_FOUND)?;
    for query in ["", "?prospect_id=p", "?campaign_id=c", "?send_id=s&campaign_id=c&prospect_id=p"] {
        let request = kit.platform(Method::GET, &format!("/v1/gate{query}"));
        answer(request).await?.problem(StatusCode::BAD_REQUEST)?;
    }
    Ok(())
}

/// A send of yesterday in a mailbox that has been checked up to now.
async fn ready(kit: &Kit) -> Result<Tracked, Failure> {
    let send = kit.tracked(DAY);
    kit.put_sends(&[&send]).await?;
    kit.push(&[kit.coverage(Timestamp::now())?]).await?;
    kit.gate_is(&send, "clear", None).await?;
    Ok(send)
}

async fn remove(kit: &Kit, sends: &[&Tracked]) -> Result<(), Failure> {
    for send in sends {
        let request = kit.platform(Method::DELETE, &format!("/v1/sends/{}", send.id));
        answer(request).await?.expect(StatusCode::NO_CONTENT)?;
    }
    Ok(())
}

async fn expect(kit: &Kit, events: &[&Value], statuses: &[&str]) -> Result<(), Failure> {
    let events: Vec<Value> = events.iter().map(|e| (*e).clone()).collect();
    let came = kit.push(&events).await?;
    ensure(came == statuses, || format!("{came:?} came instead of {statuses:?}"))
}

fn stop_event(kit: &Kit, send: &Tracked, message_id: &str, reason: &str) -> Value {
    kit.event(EventType::Stop, send, message_id, &json!({"reason": reason}))
}

fn log_event(kit: &Kit, send: &Tracked, message_id: &str) -> Value {
    let reply = json!({"message_id": message_id, "in_reply_to": send.json["message_ids"][0], "from": send.address,
        "from_name": "Kevin Flynn", "to": [kit.rep], "cc": [], "subject": null, "received_at": Timestamp::now()});
    let data = json!({"kind": "reply", "relation": "prospect", "intent": "none", "reply": reply,
        "evidence": [{"rung": "in_reply_to", "value": send.json["message_ids"][0]}], "confidence": 1.0});
    kit.event(EventType::Log, send, message_id, &data)
}

fn gzip(body: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).and_then(|()| encoder.finish()).map_err(|e| Failure(e.to_string()))
}

fn ids(sends: &[Value]) -> Vec<&str> {
    sends.iter().map(|s| s["id"].as_str().unwrap_or_default()).collect()
}
