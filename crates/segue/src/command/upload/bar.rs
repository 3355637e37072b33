//! A bar for each file that is uploaded.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use segue_client::{Progress, Stage};
use std::{path::Path, time::Duration};

/// A bar for one file: first bytes, then percent of the encoding. Nothing off a terminal.
#[derive(Clone)]
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    pub(super) fn new(bars: Option<&MultiProgress>, path: &Path) -> Self {
        let Some(bars) = bars else { return Self(None) };
        // Before anything is known of the file there is nothing to count.
        let bar = bars.add(ProgressBar::new_spinner());
        style(&bar, WAITING);
        let name: String = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        bar.set_prefix(name.chars().take(32).collect::<String>());
        bar.set_message("waiting");
        Self(Some(bar))
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn at(&self, stage: Stage, done: u64, total: u64) {
        let Some(bar) = &self.0 else { return };
        let (message, template) = match stage {
            Stage::Hashing => ("reading", BYTES),
            Stage::Uploading => ("uploading", BYTES),
            Stage::Encoding => ("encoding", PERCENT),
        };
        if bar.message() != message {
            style(bar, template);
            bar.set_message(message);
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        bar.set_length(total);
        bar.set_position(done);
    }
}

fn style(bar: &ProgressBar, template: &str) {
    // The templates are constants that parse.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    }
}

const WAITING: &str = "{prefix:32} {msg:10}";
const BYTES: &str =
    "{prefix:32} {msg:10} {bar:28} {binary_bytes:>10}/{binary_total_bytes:10} {binary_bytes_per_sec}";
const PERCENT: &str = "{prefix:32} {msg:10} {bar:28} {percent:>9}%";
