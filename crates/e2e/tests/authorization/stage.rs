//! Accounts, and the objects that they call about.

use crate::callers::{self, Caller};
use segue_client::{
    Client, CredentialStore, MemoryCredentials, UploadOptions, identify,
    proto::{
        identity::v1::{GetMeRequest, SignUpRequest, User},
        playlist::v1::{
            CreatePlaylistRequest, FollowPlaylistRequest, Item, Playlist, Role, SetCollaboratorRequest,
        },
        song::v1::{Song, UpdateSongRequest, Visibility},
    },
};
use segue_domain::SongId;
use segue_e2e::{
    mesh::Mesh,
    music,
    up::Up,
    world::{PASSWORD, Server, World},
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tonic::transport::{Channel, Endpoint};

/// An account with its session.
pub(crate) struct Account {
    pub(crate) client: Client,
    pub(crate) user: User,
    store: Arc<MemoryCredentials>,
    password: String,
}

/// A playlist with one song in it, on which the editor and the viewer work.
pub(crate) struct List {
    pub(crate) id: String,
    pub(crate) item: Mutex<Item>,
}

/// Everything.
pub(crate) struct Stage {
    url: String,
    accounts: BTreeMap<Caller, Account>,
    tokens: BTreeMap<Caller, String>,
    pub(crate) private: Song,
    pub(crate) public: Song,
    pub(crate) private_list: List,
    pub(crate) public_list: List,
}

const PLENTY: &str = "{ per_second = 10000, burst = 10000 }";

/// The world, with more sign-ins in a minute than people need.
pub(crate) fn world() -> World {
    match Mesh::shared() {
        Some(_) => World::start(),
        None => World::Up(Box::new(Up::start_with(&[
            ("SEGUE__GATEWAY__LIMITS__CREDENTIAL", PLENTY),
            ("SEGUE__GATEWAY__LIMITS__WRITE", PLENTY),
            ("SEGUE__GATEWAY__LIMITS__READ", PLENTY),
        ]))),
    }
}

impl Stage {
    pub(crate) async fn set(world: &World) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut accounts = BTreeMap::new();
        for caller in [Caller::Owner, Caller::Editor, Caller::Viewer, Caller::Follower, Caller::Stranger] {
            accounts.insert(caller, sign_up(world.url()).await);
        }
        let (email, password) = match world {
            World::Up(up) => (up.email(), up.password()),
            World::Mesh { mesh, .. } => (mesh.email(), mesh.password()),
        };
        accounts.insert(Caller::Admin, sign_in(world.url(), email, password).await);
        let owner = &accounts[&Caller::Owner];
        let folder = tempfile::tempdir().unwrap();
        let private = song(&owner.client, folder.path(), 1, Visibility::Private).await;
        let public = song(&owner.client, folder.path(), 2, Visibility::Public).await;
        let private_list = list(&accounts, &public, Visibility::Private).await;
        let public_list = list(&accounts, &public, Visibility::Public).await;
        let follower = &accounts[&Caller::Follower].client;
        let request = FollowPlaylistRequest { playlist_id: public_list.id.clone() };
        let request = follower.request(request).await.unwrap();
        follower.playlist_service().follow_playlist(request).await.unwrap();

        let mut tokens = BTreeMap::new();
        for (caller, account) in &accounts {
            tokens.insert(*caller, account.client.access_token().await.unwrap());
        }
        let again = sign_in(world.url(), &owner.user.email, PASSWORD).await;
        let revoked = again.client.access_token().await.unwrap();
        again.client.sign_out().await.unwrap();
        tokens.insert(Caller::Revoked, revoked);
        tokens.insert(Caller::Expired, callers::expired(world, &tokens[&Caller::Owner]).await);
        tokens.insert(Caller::Role, callers::role(world));
        // Every process has heard of the session's end within 5 s.
        tokio::time::sleep(Duration::from_secs(5)).await;
        Self { url: world.url().to_owned(), accounts, tokens, private, public, private_list, public_list }
    }

    pub(crate) fn account(&self, caller: Caller) -> Option<&Account> {
        self.accounts.get(&caller)
    }

    pub(crate) fn owner(&self) -> &Account {
        &self.accounts[&Caller::Owner]
    }

    /// The caller's token; one of a session that may be ended when `fresh`.
    pub(crate) async fn token(&self, caller: Caller, fresh: bool) -> Option<String> {
        match (fresh, self.account(caller)) {
            (true, Some(account)) => Some(self.again(account).await.client.access_token().await.unwrap()),
            _ => self.tokens.get(&caller).cloned(),
        }
    }

    /// A refresh token of a new session of the owner.
    pub(crate) async fn refresh_token(&self) -> String {
        self.again(self.owner()).await.store.load().unwrap().unwrap().refresh_token
    }

    async fn again(&self, account: &Account) -> Account {
        sign_in(&self.url, &account.user.email, &account.password).await
    }

    /// A connection of its own: a stream that is given up closes nothing for others.
    pub(crate) fn channel(&self) -> Channel {
        Endpoint::from_shared(self.url.clone()).unwrap().connect_lazy()
    }

    /// Somebody whom an administrator may do anything to.
    pub(crate) async fn victim(&self) -> User {
        sign_up(&self.url).await.user
    }

    /// A song of the owner that may be deleted: declared, and no more.
    pub(crate) async fn doomed_song(&self) -> String {
        use segue_client::proto::song::v1::CreateSongRequest;
        let sha256 = hex::encode([rand::random::<[u8; 16]>(), rand::random()].concat());
        let request =
            CreateSongRequest { filename: "doomed.wav".into(), size_bytes: 9, sha256, ..Default::default() };
        let request = self.owner().client.request(request).await.unwrap();
        self.owner().client.songs().create_song(request).await.unwrap().into_inner().song.unwrap().song_id
    }

    /// A playlist of the owner that may be deleted.
    pub(crate) async fn doomed_list(&self, visibility: Visibility) -> List {
        list(&self.accounts, &self.public, visibility).await
    }
}

async fn sign_up(url: &str) -> Account {
    let store = Arc::new(MemoryCredentials::default());
    let client = Client::new(url, Arc::clone(&store) as Arc<dyn CredentialStore>).unwrap();
    let email = format!("{:016x}@example.org", rand::random::<u64>());
    let request = SignUpRequest { email, password: PASSWORD.into(), ..Default::default() };
    let patience = segue_client::Patience(Duration::from_secs(300));
    let user = patience.retry(|| client.sign_up(request.clone())).await.unwrap();
    Account { client, user, store, password: PASSWORD.into() }
}

async fn sign_in(url: &str, email: &str, password: &str) -> Account {
    let store = Arc::new(MemoryCredentials::default());
    let client = Client::new(url, Arc::clone(&store) as Arc<dyn CredentialStore>).unwrap();
    let patience = segue_client::Patience(Duration::from_secs(300));
    patience.retry(|| client.sign_in(email, password, "authorization")).await.unwrap();
    let request = client.request(GetMeRequest {}).await.unwrap();
    let user = client.identity().get_me(request).await.unwrap().into_inner().user.unwrap();
    Account { client, user, store, password: password.into() }
}

/// A READY song with an album, an artist and lyrics.
async fn song(owner: &Client, folder: &Path, number: u64, visibility: Visibility) -> Song {
    let (wav, flac) = (folder.join("tone.wav"), folder.join(format!("{number}.flac")));
    music::sine(40_000 + 441 * number, 44_100, &wav);
    let tags = ["-metadata", "LYRICS=la la la", "-metadata", "title=Tone"];
    music::cut(&wav, 0.0, 2.0, &flac, &tags);
    let file = identify(&flac, |_| ()).await.unwrap();
    let song = owner.upload(&file, &UploadOptions::default(), &()).await.unwrap().song;
    let wish = Song {
        song_id: song.song_id.clone(),
        album: format!("Album {number}"),
        artists: vec![format!("Artist {number}")],
        visibility: visibility.into(),
        ..Default::default()
    };
    let paths = ["album", "artists", "visibility"].map(str::to_owned).to_vec();
    let request = UpdateSongRequest { song: Some(wish), update_mask: Some(prost_types::FieldMask { paths }) };
    let request = owner.request(request).await.unwrap();
    let song = owner.songs().update_song(request).await.unwrap().into_inner().song.unwrap();
    // Albums are fed by events.
    let mut missing = None;
    for _ in 0..100 {
        let found = (owner.album(&song.album_id).await, owner.artist(&song.artist_ids[0]).await);
        if found.0.is_ok() && found.1.is_ok() {
            return song;
        }
        missing = Some(found);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{song:?} is on no album or of no artist: {missing:?}");
}

async fn list(accounts: &BTreeMap<Caller, Account>, song: &Song, visibility: Visibility) -> List {
    let owner = &accounts[&Caller::Owner].client;
    let wish = CreatePlaylistRequest {
        title: format!("List {}", SongId::new()),
        visibility: visibility.into(),
        ..Default::default()
    };
    let Playlist { playlist_id: id, .. } = owner.create_playlist(wish).await.unwrap();
    for (caller, role) in [(Caller::Editor, Role::Editor), (Caller::Viewer, Role::Viewer)] {
        let user = accounts[&caller].user.user_id.clone();
        let request = SetCollaboratorRequest { playlist_id: id.clone(), user, role: role.into() };
        let request = owner.request(request).await.unwrap();
        owner.playlist_service().set_collaborator(request).await.unwrap();
    }
    let added = owner.add_items(&id, std::slice::from_ref(&song.song_id), None).await.unwrap();
    List { id, item: Mutex::new(added.items[0].clone()) }
}
