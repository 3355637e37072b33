//! The two ends of `cargo xtask bench read`, which measures what is between them.
//!
//! - `read_cost echo ADDRESS`: answers GetSong with the same song always, with tonic and nothing else.
//! - `read_cost compare EMAIL PASSWORD SECONDS CALLERS ROUNDS REAL-URL REAL-PIDS ECHO-URL ECHO-PIDS`: makes a song, and
//!   asks for it over and over through two gateways in turn, by that many callers on one connection. Prints for each
//!   round the median time of a call and the CPU time that the processes took per call, and at the end
//!   `cpu ratio <median>` and `p50 ratio <median>`, real against echo.

use segue_client::{Client, MemoryCredentials};
use segue_proto::song::v1::{
    Cover, CreateSongRequest, GetSongRequest, GetSongResponse, Rung, Song, SongState, Visibility,
    song_service_client::SongServiceClient,
};
use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tonic::{
    Request, Response, Status,
    body::Body,
    metadata::{Ascii, MetadataValue},
    server::{Grpc, NamedService, UnaryService},
    transport::{Channel, Server},
};
use tonic_prost::ProstCodec;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Clone)]
struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "segue.song.v1.SongService";
}

impl UnaryService<GetSongRequest> for Echo {
    type Response = GetSongResponse;
    type Future = Ready<Result<Response<GetSongResponse>, Status>>;
    fn call(&mut self, request: Request<GetSongRequest>) -> Self::Future {
        ready(Ok(Response::new(GetSongResponse { song: Some(song(request.into_inner().song_id)) })))
    }
}

/// About as large as a real answer.
fn song(song_id: String) -> Song {
    let rung = |name: &str| Rung {
        name: name.into(),
        codec: "mp4a.40.2".into(),
        bandwidth: 128_000,
        ..Rung::default()
    };
    let cover = |px| Cover { px, url: format!("http://127.0.0.1/media/{}/cover-{px}.jpg", "g".repeat(180)) };
    Song {
        song_id,
        owner_id: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
        state: SongState::Ready.into(),
        visibility: Visibility::Public.into(),
        title: "A song of the usual length".into(),
        artists: vec!["An artist".into()],
        album: "An album".into(),
        duration_ms: 240_000,
        covers: vec![cover(96), cover(320), cover(640)],
        rungs: vec![rung("aac-64"), rung("aac-128"), rung("aac-256")],
        etag: "7".into(),
        ..Song::default()
    }
}

impl tower::Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let codec: ProstCodec<GetSongResponse, GetSongRequest> = ProstCodec::default();
        Box::pin(async move { Ok(Grpc::new(codec).unary(Echo, request).await) })
    }
}

/// One gateway with what is behind it.
struct Way<'a> {
    channel: Channel,
    pids: Vec<&'a str>,
}

impl<'a> Way<'a> {
    async fn new(url: &str, pids: &'a str) -> Result<Self, Failure> {
        Ok(Self {
            channel: Channel::from_shared(url.to_owned())?.connect().await?,
            pids: pids.split(',').collect(),
        })
    }

    /// CPU time of its processes so far, microseconds (proc(5): utime and stime, in hundredths of a second).
    fn cpu(&self) -> Result<f64, Failure> {
        let mut ticks = 0;
        for pid in &self.pids {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
            let fields = stat.rsplit_once(')').ok_or("a stat line")?.1.split_whitespace();
            for field in fields.skip(11).take(2) {
                ticks += field.parse::<u64>()?;
            }
        }
        Ok(ticks as f64 * 1e4)
    }

    /// Microseconds: CPU time per call, and the median time of a call.
    async fn measure(&self, load: &Load) -> Result<(f64, f64), Failure> {
        let before = self.cpu()?;
        let took = load.run(&self.channel).await?;
        let cpu = (self.cpu()? - before) / took.len() as f64;
        Ok((cpu, took[took.len() / 2].as_secs_f64() * 1e6))
    }
}

struct Load {
    bearer: MetadataValue<Ascii>,
    song: String,
    time: Duration,
    callers: u32,
}

impl Load {
    /// Sorted times of calls.
    async fn run(&self, channel: &Channel) -> Result<Vec<Duration>, Failure> {
        let end = Instant::now() + self.time;
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..self.callers {
            let (mut songs, bearer) = (SongServiceClient::new(channel.clone()), self.bearer.clone());
            let song = self.song.clone();
            all.spawn(async move {
                let mut took = Vec::new();
                while Instant::now() < end {
                    let mut request = Request::new(GetSongRequest { song_id: song.clone() });
                    request.metadata_mut().insert("authorization", bearer.clone());
                    let begun = Instant::now();
                    songs.get_song(request).await?;
                    took.push(begun.elapsed());
                }
                Ok::<_, Status>(took)
            });
        }
        let mut took = Vec::new();
        while let Some(caller) = all.join_next().await {
            took.extend(caller??);
        }
        took.sort();
        Ok(took)
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

async fn compare(words: &[&str]) -> Result<(), Failure> {
    let [email, password, seconds, callers, rounds, real, real_pids, echo, echo_pids] = words else {
        return Err("compare wants nine words".into());
    };
    let client = Client::new(real, std::sync::Arc::new(MemoryCredentials::default()))?;
    client.sign_in(email, password, "bench").await?;
    let request = client
        .request(CreateSongRequest {
            filename: "song.flac".into(),
            size_bytes: 1 << 20,
            sha256: "ab".repeat(32),
            title: "A song of the usual length".into(),
            ..CreateSongRequest::default()
        })
        .await?;
    let bearer = request.metadata().get("authorization").ok_or("signed in")?.clone();
    let song = client.songs().create_song(request).await?.into_inner().song.ok_or("a song")?.song_id;
    let load = Load { bearer, song, time: Duration::from_secs(seconds.parse()?), callers: callers.parse()? };
    let (real, echo) = (Way::new(real, real_pids).await?, Way::new(echo, echo_pids).await?);
    let (mut cpu, mut p50) = (Vec::new(), Vec::new());
    // The first round warms up.
    for round in 0..=rounds.parse::<u32>()? {
        let (real_cpu, real_p50) = real.measure(&load).await?;
        let (echo_cpu, echo_p50) = echo.measure(&load).await?;
        if round > 0 {
            println!(
                "round {round}: song {real_cpu:.1} us CPU, p50 {real_p50:.0} us; echo {echo_cpu:.1} us CPU, p50 {echo_p50:.0} us"
            );
            cpu.push(real_cpu / echo_cpu);
            p50.push(real_p50 / echo_p50);
        }
    }
    println!("cpu ratio {:.2}\np50 ratio {:.2}", median(cpu), median(p50));
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let _ = rustls::crypto::ring::default_provider().install_default();
    match words.as_slice() {
        // HTTP/1.1 for whoever looks whether it is there; calls come by HTTP/2.
        ["echo", address] => {
            Ok(Server::builder().accept_http1(true).add_service(Echo).serve(address.parse()?).await?)
        }
        ["compare", words @ ..] => compare(words).await,
        _ => Err("read_cost echo ADDRESS | compare …".into()),
    }
}
