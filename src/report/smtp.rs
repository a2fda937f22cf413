//! The only door to lettre: letters become bytes here, and bytes go to the relay.
//!
//! The relay is spoken to by a short-lived child process, the hidden command `exportd mailer`
//! ([`mailer_main`]). A relay can dribble one byte a second for ever, or send a line without end
//! until memory is gone, and a read timeout sees neither. So the child has an address-space limit,
//! the parent a wall clock ([`send`]), and what the child had reached when it ended says whether
//! the message may have been taken.
//!
//! ```text
//! parent ── stdin ──▶ {"host":…,"password":…}\n
//! parent ── stdin ──▶ {"from":…,"to":…,"length":…}\n  message bytes
//! parent ◀─ stdout ── {"phase":"rcpt"}\n {"phase":"dot"}\n … {"result":{"phase":…,"code":…}}\n
//! ```
//!
//! A connection carries the mails of one round ([`Line`]), one recipient a transaction. The child
//! gets a mail when the one before it is over and written down, so what ends in the middle leaves
//! at most the mail in hand in doubt.
//!
//! The password passes through that pipe only: never through an argument, the environment or a
//! log.

mod address;
mod mailer;
mod message;
mod outcome;
mod sender;

pub use address::{Address, AddressError};
pub use mailer::mailer_main;
pub use message::{RenderError, render, shortened};
pub use outcome::{Class, Outcome, Phase};
pub use sender::{Envelope, Line, knock, send};
