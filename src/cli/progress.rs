//! How far a job is, for somebody who waits for it at a terminal; the only door to indicatif.
//!
//! It is drawn on stderr, and only where that is a terminal. When the wait is over it is gone: what
//! is left is what the command has to say.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::daemon::board::Posting;
use crate::diag::shown;
use crate::job::log::Counts;
use crate::report::text;

/// A whole job.
const WHOLE: u64 = 1000;
/// How often it is drawn anew while nothing happens.
const BEAT: Duration = Duration::from_millis(120);
/// Before the first outcome: headers are read, or the job waits for its turn.
const UNSURE: &str = "{spinner} {prefix}  {msg}";
const SURE: &str = "{spinner} {prefix}  [{bar:24}] {percent:>3} %  {msg}  {eta} left";

/// A line that shows how far one job is.
pub(super) struct Bar {
    line: ProgressBar,
}

impl Bar {
    /// Starts one that says what is waited for.
    pub(super) fn new(waiting_for: &str) -> Self {
        let line = ProgressBar::new(WHOLE);
        line.set_style(style(UNSURE));
        line.set_prefix(shown(waiting_for));
        line.enable_steady_tick(BEAT);
        Self { line }
    }

    /// Shows how far a run is, from 0 to 1.
    pub(super) fn show(&self, run: &str, progress: f64, counts: &Counts) {
        self.line.set_prefix(shown(run));
        if counts.total_file_count == 0 {
            return;
        }
        if self.line.position() == 0 {
            self.line.set_style(style(SURE));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a thousand"
        )]
        let done = (progress.clamp(0.0, 1.0) * WHOLE as f64) as u64;
        self.line.set_message(words(counts));
        self.line.set_position(done.max(1));
    }

    /// Shows how far a job of the daemon is.
    pub(super) fn show_posting(&self, posting: &Posting) {
        let name = posting.run.as_deref().unwrap_or(&posting.manifest);
        self.show(name, posting.progress, &posting.counts);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}

/// Says what came of a job's files so far.
pub(super) fn words(counts: &Counts) -> String {
    let mut words = format!("{} done", text::grouped(counts.file_success_count));
    for (count, word) in [
        (counts.file_error_count, "failed"),
        (counts.file_warning_count, "left out"),
        (counts.file_cancel_count, "stopped"),
    ] {
        if count > 0 {
            words.push_str(&format!(", {} {word}", text::grouped(count)));
        }
    }
    words
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::{ProgressDrawTarget, TermLike};
    use std::io;
    use std::sync::{Arc, Mutex};

    /// A terminal that remembers what was written to it.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn text(&self) -> String {
            self.0.lock().unwrap().clone()
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, line: &str) -> io::Result<()> {
            self.write_str(&format!("{line}\n"))
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_job_is_shown_as_far_as_it_is() {
        let screen = Screen::default();
        let bar = Bar::new("a job");
        bar.line.set_draw_target(ProgressDrawTarget::term_like(Box::new(screen.clone())));
        bar.show("spring_2026", 0.0, &Counts::NONE);
        bar.line.force_draw();
        assert!(screen.text().contains("spring_2026"), "{}", screen.text());
        assert!(!screen.text().contains('%'), "{}", screen.text());
        let counts = Counts {
            total_file_count: 2_000,
            file_success_count: 1_198,
            file_error_count: 2,
            ..Counts::NONE
        };
        bar.show("spring_2026\u{202e}", 0.6, &counts);
        bar.line.force_draw();
        let text = screen.text();
        assert!(text.contains("60 %"), "{text}");
        assert!(text.contains("1,198 done, 2 failed"), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
    }

    #[test]
    fn every_outcome_has_its_word() {
        let counts = Counts {
            file_success_count: 1,
            file_warning_count: 3,
            file_cancel_count: 4,
            ..Counts::NONE
        };
        assert_eq!(words(&counts), "1 done, 3 left out, 4 stopped");
    }
}
