//! What is asked: a request for each line of the table, about objects that are there.

use crate::{
    callers::Caller,
    stage::{List, Stage},
};
use prost::Message;
use segue_client::proto::{encoder::v1::*, identity::v1::*, playlist::v1::*, search::v1::*, song::v1::*};
use segue_domain::{PlayId, PlaylistId, SongId};

/// The bytes of a request to `method` about `object` that `caller` may be allowed or not.
///
/// # Panics
/// When nothing is said of the method here.
pub(crate) async fn of(stage: &Stage, method: &str, object: &str, caller: Caller) -> Vec<u8> {
    let (service, name) = method.split_once('/').unwrap();
    let request = match service {
        "IdentityService" => identity(stage, name, caller).await,
        "SongService" => song(stage, name, object).await,
        "EncoderService" => encoder(stage, name),
        "PlaylistService" => playlist(stage, name, object, caller).await,
        "LibraryService" => library(stage, name, object),
        "SearchService" => search(name),
        _ => None,
    };
    request.unwrap_or_else(|| panic!("requests.rs does not say what {method} is asked"))
}

async fn identity(stage: &Stage, name: &str, caller: Caller) -> Option<Vec<u8>> {
    // Only an administrator is asked about somebody new each time: making accounts is dear.
    let victim = async || match caller {
        Caller::Admin => stage.victim().await.user_id,
        _ => stage.owner().user.user_id.clone(),
    };
    Some(match name {
        // A field that is wrong: whoever hears of it was let in, and no account or session is made.
        "SignUp" => SignUpRequest { email: "nobody".into(), ..Default::default() }.encode_to_vec(),
        "SignIn" => SignInRequest { email: "nobody".into(), ..Default::default() }.encode_to_vec(),
        "RefreshSession" => {
            RefreshSessionRequest { refresh_token: stage.refresh_token().await }.encode_to_vec()
        }
        "SignOut" => SignOutRequest {}.encode_to_vec(),
        "GetMe" => GetMeRequest {}.encode_to_vec(),
        "UpdateMe" => {
            let user = User { display_name: "A name".into(), ..Default::default() };
            let paths = vec!["display_name".to_owned()];
            let update_mask = Some(prost_types::FieldMask { paths });
            UpdateMeRequest { user: Some(user), update_mask }.encode_to_vec()
        }
        // A wrong password is a wrong field.
        "ChangePassword" => {
            let new_password = "another long password".into();
            ChangePasswordRequest { current_password: "wrong".into(), new_password }.encode_to_vec()
        }
        "DeleteMe" => DeleteMeRequest { password: "wrong".into(), ..Default::default() }.encode_to_vec(),
        "ListSessions" => ListSessionsRequest::default().encode_to_vec(),
        "RevokeSession" => {
            let client = &stage.owner().client;
            let request = client.request(ListSessionsRequest::default()).await.unwrap();
            let sessions = client.identity().list_sessions(request).await.unwrap().into_inner().sessions;
            let other = sessions.into_iter().find(|s| !s.current).expect("the owner has more than one");
            RevokeSessionRequest { session_id: other.session_id }.encode_to_vec()
        }
        "GetJwks" => GetJwksRequest {}.encode_to_vec(),
        "ListUsers" => ListUsersRequest::default().encode_to_vec(),
        "DisableUser" => DisableUserRequest { user_id: victim().await }.encode_to_vec(),
        "EnableUser" => EnableUserRequest { user_id: victim().await }.encode_to_vec(),
        "ResetPassword" => {
            ResetPasswordRequest { user_id: victim().await, ..Default::default() }.encode_to_vec()
        }
        "ListRevocations" => ListRevocationsRequest {}.encode_to_vec(),
        "ResolveUser" => ResolveUserRequest { user: stage.owner().user.user_id.clone() }.encode_to_vec(),
        _ => return None,
    })
}

async fn song(stage: &Stage, name: &str, object: &str) -> Option<Vec<u8>> {
    let song = if object == "public" { &stage.public } else { &stage.private };
    let (song_id, album_id) = (song.song_id.clone(), song.album_id.clone());
    let artist_id = song.artist_ids.first().cloned().unwrap_or_default();
    Some(match name {
        "CreateSong" => {
            let sha256 = hex::encode([rand::random::<[u8; 16]>(), rand::random()].concat());
            let filename = "new.wav".into();
            CreateSongRequest { filename, size_bytes: 9, sha256, ..Default::default() }.encode_to_vec()
        }
        "GetUpload" => GetUploadRequest { song_id }.encode_to_vec(),
        "RenewUpload" => RenewUploadRequest { song_id }.encode_to_vec(),
        "CompleteUpload" => CompleteUploadRequest { song_id }.encode_to_vec(),
        "GetSong" => GetSongRequest { song_id }.encode_to_vec(),
        "BatchGetSongs" => BatchGetSongsRequest { song_ids: vec![song_id] }.encode_to_vec(),
        "ListSongs" => ListSongsRequest::default().encode_to_vec(),
        "UpdateSong" => {
            let song = Song { song_id, genre: "Tones".into(), ..Default::default() };
            let paths = vec!["genre".to_owned()];
            let update_mask = Some(prost_types::FieldMask { paths });
            UpdateSongRequest { song: Some(song), update_mask }.encode_to_vec()
        }
        "DeleteSong" => {
            let song_id = stage.doomed_song().await;
            DeleteSongRequest { song_id, ..Default::default() }.encode_to_vec()
        }
        "RetrySong" => RetrySongRequest { song_id }.encode_to_vec(),
        "WatchSong" => WatchSongRequest { song_id }.encode_to_vec(),
        "GetPlayback" => GetPlaybackRequest { song_id }.encode_to_vec(),
        "GetDownload" => GetDownloadRequest { song_id, ..Default::default() }.encode_to_vec(),
        "ScanSongs" => ScanSongsRequest::default().encode_to_vec(),
        "ListAlbums" => ListAlbumsRequest::default().encode_to_vec(),
        "GetAlbum" => GetAlbumRequest { album_id }.encode_to_vec(),
        "ListAlbumSongs" => ListAlbumSongsRequest { album_id, ..Default::default() }.encode_to_vec(),
        "ListArtists" => ListArtistsRequest::default().encode_to_vec(),
        "GetArtist" => GetArtistRequest { artist_id }.encode_to_vec(),
        "ListArtistSongs" => ListArtistSongsRequest { artist_id, ..Default::default() }.encode_to_vec(),
        "GetLyrics" => GetLyricsRequest { song_id }.encode_to_vec(),
        "MatchSongs" => {
            let hint = SongHint { song_id, ..Default::default() };
            MatchSongsRequest { hints: vec![hint] }.encode_to_vec()
        }
        "ScanAlbums" => ScanAlbumsRequest::default().encode_to_vec(),
        "ScanArtists" => ScanArtistsRequest::default().encode_to_vec(),
        _ => return None,
    })
}

fn encoder(stage: &Stage, name: &str) -> Option<Vec<u8>> {
    let Song { song_id, encoding_id, .. } = stage.private.clone();
    let (queue, dead_letter_id) = ("encoder.jobs".to_owned(), SongId::new().to_string());
    Some(match name {
        "GetEncoding" => GetEncodingRequest { encoding_id, song_id }.encode_to_vec(),
        "ListEncodings" => ListEncodingsRequest { song_id, ..Default::default() }.encode_to_vec(),
        "WatchEncoding" => WatchEncodingRequest { encoding_id, song_id }.encode_to_vec(),
        "RetryEncoding" => RetryEncodingRequest { encoding_id, song_id }.encode_to_vec(),
        "CancelEncoding" => CancelEncodingRequest { encoding_id, song_id }.encode_to_vec(),
        "GetLadder" => GetLadderRequest {}.encode_to_vec(),
        "ListDeadLetters" => ListDeadLettersRequest::default().encode_to_vec(),
        "RetryDeadLetter" => RetryDeadLetterRequest { queue, dead_letter_id }.encode_to_vec(),
        "DropDeadLetter" => DropDeadLetterRequest { queue, dead_letter_id }.encode_to_vec(),
        _ => return None,
    })
}

async fn playlist(stage: &Stage, name: &str, object: &str, caller: Caller) -> Option<Vec<u8>> {
    let visibility = if object == "public" { Visibility::Public } else { Visibility::Private };
    let list: &List = if object == "public" { &stage.public_list } else { &stage.private_list };
    let (playlist_id, item_id) = (list.id.clone(), list.item.lock().unwrap().item_id.clone());
    // Deeds that others could not be asked about any more.
    let doomed = async || stage.doomed_list(visibility).await;
    Some(match name {
        "CreatePlaylist" => {
            CreatePlaylistRequest { title: "Mine".into(), ..Default::default() }.encode_to_vec()
        }
        "GetPlaylist" => GetPlaylistRequest { playlist_id }.encode_to_vec(),
        "ListPlaylists" => ListPlaylistsRequest::default().encode_to_vec(),
        "UpdatePlaylist" => {
            let (path, playlist) = match object {
                "visibility" => ("visibility", Playlist { playlist_id, visibility: 1, ..Default::default() }),
                _ => ("title", Playlist { playlist_id, title: "New".into(), ..Default::default() }),
            };
            let update_mask = Some(prost_types::FieldMask { paths: vec![path.to_owned()] });
            UpdatePlaylistRequest { playlist: Some(playlist), update_mask }.encode_to_vec()
        }
        "DeletePlaylist" => {
            DeletePlaylistRequest { playlist_id: doomed().await.id, ..Default::default() }.encode_to_vec()
        }
        "AddItems" => {
            let song_ids = vec![stage.public.song_id.clone()];
            AddItemsRequest { playlist_id, song_ids, ..Default::default() }.encode_to_vec()
        }
        "RemoveItems" => {
            let doomed = doomed().await;
            let item_ids = vec![doomed.item.lock().unwrap().item_id.clone()];
            RemoveItemsRequest { playlist_id: doomed.id, item_ids, ..Default::default() }.encode_to_vec()
        }
        "MoveItem" => MoveItemRequest { playlist_id, item_id, ..Default::default() }.encode_to_vec(),
        "ListItems" => ListItemsRequest { playlist_id, ..Default::default() }.encode_to_vec(),
        "WatchPlaylist" => WatchPlaylistRequest { playlist_id }.encode_to_vec(),
        "CreateInvitation" => {
            CreateInvitationRequest { playlist_id, role: Role::Viewer.into(), ttl_seconds: 60 }
                .encode_to_vec()
        }
        "AcceptInvitation" => {
            let client = &stage.owner().client;
            let wish = CreateInvitationRequest {
                playlist_id: doomed().await.id,
                role: Role::Viewer.into(),
                ttl_seconds: 60,
            };
            let request = client.request(wish).await.unwrap();
            let made = client.playlist_service().create_invitation(request).await.unwrap().into_inner();
            AcceptInvitationRequest { token: made.token }.encode_to_vec()
        }
        "SetCollaborator" => {
            // As it is, so that it changes nothing for those who come later.
            let user = stage.account(Caller::Viewer).unwrap().user.user_id.clone();
            SetCollaboratorRequest { playlist_id, user, role: Role::Viewer.into() }.encode_to_vec()
        }
        "RemoveCollaborator" => {
            let who = match object {
                "self" => caller,
                _ => Caller::Viewer,
            };
            let user_id = stage.account(who).unwrap_or_else(|| stage.owner()).user.user_id.clone();
            RemoveCollaboratorRequest { playlist_id: doomed().await.id, user_id }.encode_to_vec()
        }
        "ListCollaborators" => ListCollaboratorsRequest { playlist_id }.encode_to_vec(),
        "FollowPlaylist" => FollowPlaylistRequest { playlist_id }.encode_to_vec(),
        "UnfollowPlaylist" => UnfollowPlaylistRequest { playlist_id: doomed().await.id }.encode_to_vec(),
        "ImportPlaylist" => {
            let request_id = PlaylistId::new().to_string();
            let content = b"#EXTM3U\nnothing.mp3\n".to_vec();
            ImportPlaylistRequest { request_id, content, ..Default::default() }.encode_to_vec()
        }
        "ExportPlaylist" => ExportPlaylistRequest { playlist_id, ..Default::default() }.encode_to_vec(),
        "ScanPlaylists" => ScanPlaylistsRequest::default().encode_to_vec(),
        _ => return None,
    })
}

fn library(stage: &Stage, name: &str, object: &str) -> Option<Vec<u8>> {
    let song = if object == "public" { &stage.public } else { &stage.private };
    let song_id = song.song_id.clone();
    Some(match name {
        "LikeSong" => LikeSongRequest { song_id }.encode_to_vec(),
        "UnlikeSong" => UnlikeSongRequest { song_id }.encode_to_vec(),
        "ListLikes" => ListLikesRequest::default().encode_to_vec(),
        "RecordPlays" => {
            let play = Play {
                event_id: PlayId::new().to_string(),
                song_id,
                start_time: Some(std::time::SystemTime::now().into()),
                played_ms: 900,
                ..Default::default()
            };
            RecordPlaysRequest { plays: vec![play] }.encode_to_vec()
        }
        "ListHistory" => ListHistoryRequest::default().encode_to_vec(),
        "ListPlayed" => ListPlayedRequest::default().encode_to_vec(),
        "BatchGetSongStats" => BatchGetSongStatsRequest { song_ids: vec![song_id] }.encode_to_vec(),
        "DeleteHistory" => DeleteHistoryRequest { before: None }.encode_to_vec(),
        "ExportMe" => ExportMeRequest {}.encode_to_vec(),
        _ => return None,
    })
}

fn search(name: &str) -> Option<Vec<u8>> {
    Some(match name {
        "Search" => SearchRequest { query: "tone".into(), ..Default::default() }.encode_to_vec(),
        "Suggest" => SuggestRequest { text: "to".into(), ..Default::default() }.encode_to_vec(),
        "RebuildIndex" => RebuildIndexRequest {}.encode_to_vec(),
        "VerifyIndex" => VerifyIndexRequest {}.encode_to_vec(),
        _ => return None,
    })
}
