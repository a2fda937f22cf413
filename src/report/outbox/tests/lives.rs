//! The life of a mail, and of very many.

use super::relay::{Relay, numbered, run_until, start, text_of};
use super::*;

/// An answer of the relay and what follows: the mail's state, the attempts counted, whether the
/// relay is in trouble, and the minutes until the next attempt (± a fifth); 0 when there is none.
type Turn = (Phase, Option<u16>, Class, State, u32, bool, i64);

const fn busy(attempts: u32, minutes: i64) -> Turn {
    (Phase::Rcpt, Some(450), Class::Deferred, State::Deferred, attempts, false, minutes)
}

const fn down(phase: Phase, code: Option<u16>, minutes: i64) -> Turn {
    (phase, code, Class::Relay, State::New, 0, true, minutes)
}

const fn doubt(attempts: u32, minutes: i64) -> Turn {
    (Phase::Dot, None, Class::Unknown, State::Deferred, attempts, false, minutes)
}

const fn taken(attempts: u32) -> Turn {
    (Phase::Dot, Some(250), Class::Sent, State::Sent, attempts, false, 0)
}

const fn refused(phase: Phase, class: Class, attempts: u32) -> Turn {
    (phase, Some(550), class, State::Dead, attempts, false, 0)
}

#[test]
fn the_life_of_a_mail() {
    use Phase::{Auth, Connect, Dot, Mail, Rcpt};
    let waits = [1, 2, 5, 10, 20, 30, 60, 60, 60];
    let mut patient: Vec<Turn> = (1..).zip(waits).map(|(n, minutes)| busy(n, minutes)).collect();
    patient.push(taken(10));
    let lives: [&[Turn]; 6] = [
        // Back-off, and taken at last.
        &patient,
        // The relay's own troubles, a wrong password among them, count for no mail.
        &[
            down(Connect, None, 1),
            down(Connect, Some(421), 1),
            down(Auth, Some(535), 5),
            down(Auth, Some(535), 5),
            down(Mail, Some(550), 5),
            busy(1, 1),
            (Connect, None, Class::Relay, State::Deferred, 1, true, 1),
            taken(2),
        ],
        // Doubt waits ten minutes at least, and longer when the back-off is longer.
        &[doubt(1, 10), doubt(2, 10), doubt(3, 10), doubt(4, 10), doubt(5, 20), taken(6)],
        &[busy(1, 1), refused(Rcpt, Class::Dead, 2)],
        &[refused(Dot, Class::Dead, 1)],
        // Too large twice: made smaller once.
        &[refused(Mail, Class::TooBig, 1)],
    ];
    for (n, life) in lives.into_iter().enumerate() {
        live(n, life);
    }
}

fn live(n: usize, life: &[Turn]) {
    let relay = Relay::new();
    let outbox = relay.outbox();
    let letter = numbered(&relay.settings(), n, Verdict::Partial, start());
    outbox.enqueue(&letter).unwrap();
    let mut now = start();
    for (at, &(phase, code, class, state, attempts, trouble, minutes)) in life.iter().enumerate() {
        let what = format!("life {n}, turn {at}");
        relay.says(phase, code, class, "x");
        let summary = outbox.deliver_due(now).unwrap();
        assert_eq!(summary.relay_trouble.is_some(), trouble, "{what}");
        assert_eq!(states(&outbox), [state], "{what}");
        let env = outbox.read_env(state, letter.mid.as_str()).unwrap().unwrap();
        assert_eq!(env.attempts, attempts, "{what}");
        let Some(next) = summary.next_due else {
            assert_eq!((minutes, at + 1), (0, life.len()), "{what}");
            break;
        };
        let wait = next.duration_since(now).as_secs();
        let (least, most) = match class {
            Class::Relay => (60 * minutes, 60 * minutes),
            Class::Unknown => (60 * minutes, 72 * minutes),
            _ => (48 * minutes, 72 * minutes),
        };
        assert!((least..=most).contains(&wait), "{what}: {wait} s");
        // Nothing happens earlier.
        let sent = relay.given().len();
        outbox.deliver_due(in_seconds(next, -1)).unwrap();
        assert_eq!(relay.given().len(), sent, "{what}");
        now = next;
    }
    // Whatever was sent was this mail, under one name.
    let id = format!("Message-ID: <{}@studio.example>", letter.mid);
    for (_, message) in relay.given() {
        let message = String::from_utf8(message).unwrap();
        assert_eq!(message.matches(&id).count(), 1, "life {n}");
    }
}

#[test]
fn five_days_of_refusals_are_some_hundred_and_thirty_attempts() {
    let relay = Relay::new();
    let outbox = relay.outbox();
    relay.says(Phase::Rcpt, Some(450), Class::Deferred, "4.2.2 the mailbox is full");
    let letter = numbered(&relay.settings(), 0, Verdict::Clean, start());
    outbox.enqueue(&letter).unwrap();
    let end = start() + SignedDuration::from_hours(140);
    run_until(&outbox, start(), end);
    let env = outbox.read_env(State::Dead, letter.mid.as_str()).unwrap().unwrap();
    assert!((110..150).contains(&env.attempts), "{} attempts", env.attempts);
    let age = env.ended.unwrap().duration_since(env.created);
    assert!(age > EXPIRY && age < EXPIRY + LONGEST_WAIT, "{age:?}");
    // Whoever runs the daemon was told twice, late and dead, and nobody was told of that mail.
    let mut told = outbox.list().unwrap();
    told.retain(|item| Mid::is_about(&item.mid, Event::Undelivered));
    assert_eq!(told.len(), 2, "{told:?}");
    let texts = told.iter().map(|item| {
        text_of(&outbox.message(&Mid::from_stem(&item.mid).unwrap()).unwrap()).replace('\n', " ")
    });
    let texts: Vec<String> = texts.collect();
    assert!(texts.iter().any(|text| text.contains("still waiting after 4 hours")), "{texts:?}");
    let dead = texts.iter().find(|text| text.contains("could not be delivered")).unwrap();
    assert!(dead.contains("to mia@studio.example: tops-0_2026-12-01-06-00-00: done"), "{dead}");
    assert!(dead.contains("4.2.2 the mailbox is full"), "{dead}");
}

#[test]
fn an_outage_of_days_loses_nothing_and_ends_in_a_few_mails() {
    let relay = Relay::new();
    let outbox = relay.outbox();
    relay.says(Phase::Connect, None, Class::Relay, "nobody answers");
    let mut now = start();
    for n in 0..300 {
        outbox.enqueue(&numbered(&relay.settings(), n, Verdict::Clean, now)).unwrap();
        outbox.deliver_due(now).unwrap();
        now = in_seconds(now, 1200);
    }
    assert!(now < start() + EXPIRY);
    assert_eq!(states(&outbox), [State::New; 300]);
    let tried = relay.given().len();
    assert!(tried <= 300, "{tried} attempts");
    relay.forget();
    relay.says(Phase::Dot, Some(250), Class::Sent, "ok");
    run_until(&outbox, in_seconds(now, 300), in_seconds(now, 3600));
    assert_eq!(states(&outbox), [State::Sent; 301]);
    let given = relay.given();
    assert!(given.len() <= 7, "{} mails", given.len());
    let digest = given.iter().map(|(_, m)| text_of(m)).find(|t| t.contains("reports in one mail"));
    let digest = digest.unwrap().replace('\n', " ");
    assert!(digest.contains("This mail is late"), "{digest}");
    assert!(digest.contains("nobody answers"), "{digest}");
}

#[test]
fn ten_thousand_failures_are_few_mails_and_all_are_counted() {
    const JOBS: usize = 10_000;
    let relay = Relay::new();
    let outbox = relay.outbox();
    let settings = relay.settings();
    // Two jobs a second; whoever sends looks once a minute.
    let mut now = start();
    for n in 0..JOBS {
        outbox.enqueue(&numbered(&settings, n, Verdict::Fatal, now)).unwrap();
        if n % 120 == 119 {
            now = in_seconds(now, 60);
            outbox.deliver_due(now).unwrap();
        }
    }
    run_until(&outbox, now, now + SignedDuration::from_hours(6));
    let given = relay.given();
    assert!(given.len() <= 30, "{} mails", given.len());
    let mut counted = 0;
    for (_, message) in &given {
        let (headers, _) = mailparse::parse_headers(message).unwrap();
        let header = |name: &str| mailparse::MailHeaderMap::get_first_value(&headers[..], name);
        counted += header("X-Exportd-Digest").map_or(1, |n| n.parse::<usize>().unwrap());
    }
    assert_eq!(counted, JOBS);
    // Each run was told exactly once: what the digests stand for and what went singly is all.
    let items = outbox.list().unwrap();
    assert!(items.iter().all(|item| item.state == State::Sent), "something is left");
    let merged: Vec<&String> = items.iter().flat_map(|i| &i.env.as_ref().unwrap().merged).collect();
    let unique: std::collections::HashSet<&&String> = merged.iter().collect();
    let singly =
        given.len() - items.iter().filter(|i| !i.env.as_ref().unwrap().merged.is_empty()).count();
    assert_eq!((unique.len(), merged.len() + singly), (merged.len(), JOBS));
}
