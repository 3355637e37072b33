//! Finding songs from upload to deletion.

use segue_e2e::{
    cli::Cli,
    finding::{becomes, differences, find, tones, upload},
    world::{Server, World},
};
use serde_json::Value;

#[test]
fn a_song_is_found_by_who_may_see_it_until_it_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    let (ada, bob) = (Cli::stranger(&world), Cli::stranger(&world));
    let (admin, nobody) = (world.admin(), Cli::new(world.url()));
    let ids = upload(&ada, &tones(&folder, &["Évora Sunrise", "Porcelain"]));
    let (sunrise, porcelain) = (ids[0].as_str(), ids[1].as_str());

    becomes(&ada, "evora", &[sunrise]);
    becomes(&admin, "evora", &[sunrise]);
    assert_eq!((find(&bob, "evora"), find(&nobody, "evora")), (vec![], vec![]), "it is private");

    let edit = ["edit", sunrise, "--visibility", "public", "--artist", "Cesária", "--album", "Mar Azul"];
    let _ = ada.run(&edit).good();
    for user in [&bob, &nobody] {
        becomes(user, "evora", &[sunrise]);
        // A typo, an unfinished word of the artist, the album.
        for words in ["sunrize", "cesar", "mar azul"] {
            assert_eq!(find(user, words), [sunrise], "{words:?}");
        }
    }
    let shown = nobody.run(&["search", "evora"]).good().out;
    assert!(["Évora Sunrise", "Cesária", "Mar Azul"].iter().all(|text| shown.contains(text)), "{shown}");
    let nothing = nobody.run(&["search", "porcelain"]).good();
    assert_eq!(nothing.out, "nothing found\n");

    let quiet = admin.run(&["index", "verify"]).good();
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    let refused = ada.run(&["index", "verify"]);
    assert!(refused.code == 1 && refused.err.contains("administrator"), "{refused:?}");

    let _ = ada.run(&["edit", sunrise, "--visibility", "private"]).good();
    becomes(&bob, "evora", &[]);
    assert_eq!(find(&ada, "evora"), [sunrise]);
    let _ = ada.run(&["rm", "-y", sunrise]).good();
    becomes(&ada, "evora", &[]);
    assert_eq!(find(&ada, "porcelain"), [porcelain]);
    assert_eq!(differences(&admin), Vec::<Value>::new());
}
