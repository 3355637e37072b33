//! The child process alone, for tests of this crate.

fn main() -> std::process::ExitCode {
    segue_encoder::worker_main()
}
