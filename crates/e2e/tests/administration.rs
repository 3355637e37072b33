//! Administrators and other people's accounts.

use segue_e2e::{cli::Cli, up::Up};

const PASSWORD: &str = "a long enough password";

fn sign_in(user: &Cli, password: &str) -> (i32, String) {
    let ran = user.run_with(&["login", "--email", "ada@example.org", "--password-stdin"], password);
    (ran.code, ran.err)
}

#[test]
fn an_account_is_disabled_enabled_and_given_a_new_password() {
    let up = Up::start();
    let admin = Cli::signed_in(&up);
    let ada = Cli::signed_up(&up, "ada@example.org");
    let _ = Cli::signed_up(&up, "bob@example.org");

    let all = admin.run(&["users", "ls", "--json"]).good().json();
    let emails: Vec<&str> = all.iter().map(|u| u["email"].as_str().unwrap()).collect();
    assert_eq!(emails, [up.email(), "ada@example.org", "bob@example.org"]);
    let some = admin.run(&["users", "ls", "ADA", "--json"]).good().json();
    assert_eq!((some.len(), &some[0]["disabled"], &some[0]["admin"]), (1, &false.into(), &false.into()));
    let refused = ada.run(&["users", "ls"]);
    assert!(refused.code == 1 && refused.err.contains("administrator"), "{refused:?}");

    let _ = admin.run(&["users", "disable", "ada@example.org"]).good();
    assert_eq!(ada.run(&["whoami"]).code, 3, "the session has ended");
    let (code, said) = sign_in(&ada, PASSWORD);
    assert!(code == 1 && said.contains("disabled"), "{code} {said}");
    assert!(admin.run(&["users", "ls", "ada"]).good().out.contains("disabled"));
    let own = admin.run(&["users", "disable", up.email()]);
    assert!(own.code == 1 && own.err.contains("your own account"), "{own:?}");
    let unknown = admin.run(&["users", "disable", "eve@example.org"]);
    assert!(unknown.code == 1 && unknown.err.contains("there is no account"), "{unknown:?}");

    let id = some[0]["user_id"].as_str().unwrap();
    let _ = admin.run(&["users", "enable", id]).good();
    assert_eq!(sign_in(&ada, PASSWORD).0, 0);

    let made = admin.run(&["users", "reset-password", "ada@example.org", "--json"]).good().json();
    let made = made[0]["password"].as_str().unwrap();
    assert_eq!(ada.run(&["whoami"]).code, 3, "the session has ended");
    assert_ne!(sign_in(&ada, PASSWORD).0, 0);
    assert_eq!(sign_in(&ada, made).0, 0);
    let args = ["users", "reset-password", "ada@example.org", "--password-stdin"];
    let _ = admin.run_with(&args, "a password of choice").good();
    assert_eq!(sign_in(&ada, "a password of choice").0, 0);
}
