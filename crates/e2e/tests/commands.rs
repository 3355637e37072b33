//! What the command line says when something is wrong: a sentence that helps, a reason for scripts, and an exit code.

use segue_e2e::{
    cli::{Cli, Ran},
    music,
    up::Up,
    world::PASSWORD,
};
use serde_json::{Value, json};

/// The reason and the sentence of an error on standard error.
fn error(ran: &Ran) -> (String, String) {
    let last = ran.err.lines().last().unwrap_or_default();
    let error: Value = serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    let text = |name: &str| error["error"][name].as_str().unwrap_or_else(|| panic!("{ran:?}")).to_owned();
    (text("reason"), text("message"))
}

#[test]
fn a_file_that_is_no_music_fails_once_and_says_why_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let (bad, good) = (folder.path().join("bad.mp3"), folder.path().join("good.wav"));
    std::fs::write(&bad, "no music at all").unwrap();
    music::sine(30_000, 44_100, &good);
    let up = Up::start();
    let user = Cli::signed_in(&up);
    let first = user.upload(&[&bad]).remove(0);
    let id = first["song_id"].as_str().unwrap();
    assert!(first["error"].as_str().unwrap().contains("NOT_AUDIO"), "{first}");

    // The same bytes again are the same song, tried again.
    let again = user.upload(&[&bad]).remove(0);
    assert_eq!((&again["song_id"], &again["retried"]), (&json!(id), &json!(true)));
    assert!(again["error"].as_str().unwrap().contains("the file is the same"), "{again}");
    assert_eq!(user.run(&["songs", "--json"]).good().json().len(), 1);

    let retried = user.run(&["retry", id, "--json"]);
    assert_eq!((retried.code, error(&retried).0.as_str()), (1, "NOT_AUDIO"), "{retried:?}");
    let sent = user.run(&["retry", id, "--no-wait", "--json"]).good().json();
    assert_ne!(sent[0]["state"], "FAILED");
    let _ = user.run(&["watch", id]);
    let other = user.run(&["retry", id, "--file", good.to_str().unwrap(), "--json"]);
    let (reason, message) = error(&other);
    assert_eq!((other.code, reason.as_str()), (1, "OTHER_FILE"), "{other:?}");
    assert!(message.contains("good.wav") && message.contains("another file"), "{message}");
    assert_eq!(user.run(&["show", id, "--json"]).good().json()[0]["state"], "FAILED", "it was not touched");
    let played = user.run(&["play", "bad"]);
    assert!(played.code == 1 && played.err.contains(&format!("segue retry {id}")), "{played:?}");
}

#[test]
fn a_folder_gives_what_is_read_and_says_what_was_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    music::sine(30_000, 44_100, &folder.path().join("good.wav"));
    for name in ["a.m4a", "b.ogg", "c.ogg", "cover.jpg"] {
        std::fs::write(folder.path().join(name), name).unwrap();
    }
    let up = Up::start();
    let user = Cli::signed_in(&up);
    let path = folder.path().to_str().unwrap();
    let ran = user.run(&["upload", path]).good();
    assert!(ran.out.contains("good.wav") && !ran.out.contains("m4a"), "{ran:?}");
    assert!(
        ran.err.contains("passed over 3 audio files (1 m4a, 2 ogg): MP3, FLAC and WAV are read"),
        "{ran:?}"
    );
    let ran = user.run(&["upload", path, "--json"]).good();
    assert_eq!((ran.json().len(), &ran.json()[0]["skipped"]), (1, &json!(true)));
    assert_eq!(
        serde_json::from_str::<Value>(&ran.err).unwrap(),
        json!({"passed_over": {"m4a": 1, "ogg": 2}})
    );
    let ran = user.run(&["upload", path, "--visibility", "public"]).good();
    assert!(ran.out.contains("already there, still private: 'segue edit' changes that"), "{ran:?}");
    std::fs::remove_file(folder.path().join("good.wav")).unwrap();
    let none = user.run(&["upload", path]);
    assert!(none.code == 1 && none.err.contains("no audio files") && none.err.contains("2 ogg"), "{none:?}");

    // A file that is named is sent whatever it is called, but for what its content says that it is.
    let named = folder.path().join("b.ogg");
    std::fs::write(&named, b"OggS\0\x02").unwrap();
    let ran = user.run(&["upload", named.to_str().unwrap(), "--json"]);
    let said = &ran.json()[0];
    assert_eq!((ran.code, &said["reason"], &said["song_id"]), (1, &json!("UNSUPPORTED_AUDIO"), &Value::Null));
    assert!(said["error"].as_str().is_some_and(|error| error.contains("Ogg")), "{ran:?}");
    assert_eq!(user.run(&["songs", "--json"]).good().json().len(), 1, "nothing was made of it");
}

#[test]
fn a_password_is_changed_and_sessions_elsewhere_end() {
    let up = Up::start();
    let (user, elsewhere) = (Cli::signed_in(&up), Cli::signed_in(&up));
    let change = ["account", "password", "--passwords-stdin", "--json"];
    let wrong = user.run_with(&change, "not this one\na new password\n");
    assert_eq!((wrong.code, error(&wrong).0.as_str()), (1, "PASSWORD_WRONG"), "{wrong:?}");
    let half = user.run_with(&change, up.password());
    assert!(half.code == 1 && half.err.contains("two lines"), "{half:?}");
    let _ = user.run_with(&change, &format!("{}\na new password\n", up.password())).good();
    let _ = user.run(&["songs"]).good();
    assert_eq!(elsewhere.run(&["songs"]).code, 3);
    let sign_in = ["login", "--email", up.email(), "--password-stdin"];
    assert_eq!(elsewhere.run_with(&sign_in, up.password()).code, 3);
    let _ = elsewhere.run_with(&sign_in, "a new password").good();
}

#[test]
fn nobody_else_on_the_machine_reads_the_data() {
    use std::os::unix::fs::PermissionsExt;
    let up = Up::start();
    assert_eq!(std::fs::metadata(up.data()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn exit_codes_and_reasons_tell_wrong_usage_from_a_session_that_ended_and_a_server_that_is_away() {
    let mut up = Up::start();
    let user = Cli::signed_in(&up);
    for args in [
        &["songs", "--state", "bogus"][..],
        &["songs", "--limit", "0"],
        &["edit", "x"],
        &["up", "--url", up.url()],
        &["history", "--clear"],
    ] {
        let ran = user.run(&[args, &["--json"]].concat());
        assert_eq!((ran.code, error(&ran).0.as_str()), (2, "USAGE_WRONG"), "{args:?}: {ran:?}");
    }
    let id = user.run(&["playlist", "show", "01890a5d-ac96-774b-bcce-b302099a8057", "--json"]);
    assert_eq!((id.code, error(&id).0.as_str()), (1, "PLAYLIST_NOT_FOUND"), "{id:?}");
    let nobody = Cli::new(up.url()).run(&["songs", "--json"]);
    assert_eq!((nobody.code, error(&nobody).0.as_str()), (3, "NOT_SIGNED_IN"), "{nobody:?}");
    let elsewhere = Cli::new("http://localhost:9").run(&["songs"]);
    assert!(elsewhere.err.contains("not signed in at http://localhost:9"), "{elsewhere:?}");
    let nowhere = Cli::new("localhost:4420").run(&["songs"]);
    assert!(nowhere.code == 1 && nowhere.err.contains("neither http:// nor https://"), "{nowhere:?}");
    let wrong = user.run_with(&["login", "--email", up.email(), "--password-stdin", "--json"], PASSWORD);
    assert_eq!((wrong.code, error(&wrong).0.as_str()), (3, "CREDENTIALS_WRONG"), "{wrong:?}");

    for (name, value, said) in [
        ("SEGUE__SONG__BLOCK_BYTES", "0", "song.block_bytes must be above 0"),
        ("SEGUE__PROCESS__PORT", "many", "set by SEGUE__PROCESS__PORT"),
        ("SEGUE__PROCESS__PROT", "1", "set by SEGUE__PROCESS__PROT"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let done = std::process::Command::new(segue_e2e::binary())
            .args(["up", "--port", "0", "--data", data.to_str().unwrap()])
            .env(name, value)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(2) && text.contains(said), "{name}: {text}");
    }

    let quiet = user.run(&["jobs", "retry", "--all"]).good();
    assert_eq!(quiet.out, "no job is parked\n");
    let completions = user.run(&["completions", "bash"]).good().out;
    assert!(
        completions.contains("playlist") && !completions.contains("encode-worker"),
        "hidden commands are hidden"
    );
    let help = user.run(&["--help"]).good().out;
    assert!(help.contains("SEGUE_HOME") && help.contains("SEGUE_URL"), "{help}");

    up.kill();
    let away = user.run(&["songs", "--json"]);
    assert_eq!((away.code, error(&away).0.as_str()), (4, "SERVER_UNREACHABLE"), "{away:?}");
}
