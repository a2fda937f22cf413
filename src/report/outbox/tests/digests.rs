//! Many mails as one.

use super::relay::{Relay, numbered, run_until, start, text_of};
use super::*;

#[test]
fn a_digest_that_is_refused_takes_its_reports_along_and_a_retry_brings_all_back() {
    let relay = Relay::new();
    let outbox = relay.outbox();
    let settings = relay.settings();
    for n in 0..20 {
        outbox.enqueue(&numbered(&settings, n, Verdict::Clean, start())).unwrap();
    }
    assert_eq!(outbox.deliver_due(start()).unwrap().sent, 5);
    relay.says(Phase::Dot, Some(554), Class::Dead, "5.6.0 no");
    let summary = outbox.deliver_due(in_seconds(start(), 180)).unwrap();
    assert_eq!((summary.folded, summary.dead), (15, 1));
    let dead = |outbox: &Outbox| states(outbox).iter().filter(|s| **s == State::Dead).count();
    assert_eq!(dead(&outbox), 16);
    // Only the digest itself is told of.
    let mut told = outbox.list().unwrap();
    told.retain(|item| Mid::is_about(&item.mid, Event::Undelivered));
    let text = text_of(&outbox.message(&Mid::from_stem(&told[0].mid).unwrap()).unwrap());
    assert!(text.contains("Given up (1)"), "{text}");
    relay.says(Phase::Dot, Some(250), Class::Sent, "ok");
    let items = outbox.list().unwrap();
    let digest = items.iter().find(|i| Mid::is_about(&i.mid, Event::Digest)).unwrap();
    let now = in_seconds(start(), 200);
    outbox.retry(&Mid::from_stem(&digest.mid).unwrap(), now).unwrap();
    outbox.deliver_due(now).unwrap();
    assert_eq!(states(&outbox), [State::Sent; 21]);
}

#[test]
fn a_digest_is_addressed_as_single_mails_are() {
    let relay = Relay::new();
    let outbox = relay.outbox();
    let settings = relay.settings();
    // The name may have changed meanwhile; the last one is used.
    for (n, to) in (0..9)
        .zip(["\"Wang, Mia\" <mia@studio.example>", "Mia <mia@studio.example>"].into_iter().cycle())
    {
        let mut letter = numbered(&settings, n, Verdict::Clean, start());
        letter.to = Address::parse(to).unwrap();
        outbox.enqueue(&letter).unwrap();
    }
    outbox.deliver_due(start()).unwrap();
    relay.forget();
    outbox.deliver_due(in_seconds(start(), 180)).unwrap();
    let given = relay.given();
    let text = text_of(&given[0].1);
    assert!(text.contains("4 reports in one mail"), "{text}");
    assert!(text.contains("\nTo: Wang, Mia <mia@studio.example>\n"), "{text}");
    assert_eq!(given[0].0["to"], "mia@studio.example");
}

#[test]
fn a_crash_between_a_digest_and_its_reports_is_mended_at_the_next_start() {
    let relay = Relay::new();
    let settings = relay.settings();
    let outbox = relay.outbox();
    for n in 0..12 {
        outbox.enqueue(&numbered(&settings, n, Verdict::Clean, start())).unwrap();
    }
    outbox.deliver_due(start()).unwrap();
    relay.says(Phase::Rcpt, Some(450), Class::Deferred, "later");
    outbox.deliver_due(in_seconds(start(), 180)).unwrap();
    let items = outbox.list().unwrap();
    let digest = items.iter().find(|i| Mid::is_about(&i.mid, Event::Digest)).unwrap().clone();
    let env = digest.env.unwrap();
    assert_eq!((digest.state, env.merged.len()), (State::Deferred, 7));
    // While it waits, what it stands for does not go by itself.
    relay.says(Phase::Dot, Some(250), Class::Sent, "ok");
    relay.forget();
    outbox.shift(&digest.mid, State::Deferred, State::Sent, &env).unwrap();
    // One of seven was carried on.
    carry_one(&outbox, &env.merged[0]);
    drop(outbox);
    let outbox = relay.outbox();
    assert_eq!(states(&outbox), [State::Sent; 13]);
    run_until(&outbox, in_seconds(start(), 400), in_seconds(start(), 90_000));
    assert_eq!(relay.given().len(), 0);
    assert!(outbox.list().unwrap().iter().all(|item| item.env.is_some()));
}

fn carry_one(outbox: &Outbox, mid: &str) {
    publish(&outbox.eml(State::New, mid), &outbox.eml(State::Sent, mid)).unwrap();
}

#[test]
fn what_waits_in_a_digest_does_not_go_by_itself() {
    let relay = Relay::new();
    let settings = relay.settings();
    let outbox = relay.outbox();
    for n in 0..9 {
        outbox.enqueue(&numbered(&settings, n, Verdict::Clean, start())).unwrap();
    }
    outbox.deliver_due(start()).unwrap();
    relay.says(Phase::Dot, None, Class::Unknown, "no answer");
    let now = in_seconds(start(), 180);
    outbox.deliver_due(now).unwrap();
    relay.forget();
    relay.says(Phase::Dot, Some(250), Class::Sent, "ok");
    run_until(&outbox, in_seconds(now, 1), in_seconds(now, 7200));
    let given = relay.given();
    assert_eq!(given.len(), 1, "the digest alone, under its name");
    assert!(text_of(&given[0].1).contains("4 reports in one mail"));
    assert_eq!(states(&outbox), [State::Sent; 10]);
}
