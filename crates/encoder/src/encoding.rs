//! An encoding as the program sees it.

use crate::entity;
use segue_domain::{EncodingId, FailureReason, OutputId, SongId, Timestamp, UserId};
use segue_mesh::{Caller, to_proto};
use segue_proto::encoder::v1;
use segue_store::StoreError;

/// Where an encoding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Queued,
    Running,
    Succeeded,
    Failed,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
        }
    }

    pub(crate) fn ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed].into_iter().find(|s| s.as_str() == text)
    }
}

/// Why an encoding failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: FailureReason,
    /// A sentence for the owner of the song.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(reason: FailureReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// An encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) id: EncodingId,
    pub(crate) song: SongId,
    pub(crate) owner: UserId,
    pub(crate) state: State,
    pub(crate) attempts: u32,
    pub(crate) output: Option<OutputId>,
    pub(crate) failure: Option<Failure>,
    pub(crate) version: u64,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

impl Encoding {
    /// True when the caller may see it and stop it: its owner, admins and roles.
    pub(crate) fn visible_to(&self, caller: &Caller) -> bool {
        caller.user_id() == Some(self.owner) || caller.sees_all()
    }

    /// As the API shows it. `percent` is what was last heard while it runs.
    pub(crate) fn to_proto(&self, percent: u32) -> v1::Encoding {
        let state = match self.state {
            State::Queued => v1::EncodingState::Queued,
            State::Running => v1::EncodingState::Running,
            State::Succeeded => v1::EncodingState::Succeeded,
            State::Failed => v1::EncodingState::Failed,
        };
        v1::Encoding {
            encoding_id: self.id.to_string(),
            song_id: self.song.to_string(),
            owner_id: self.owner.to_string(),
            state: state.into(),
            percent: match self.state {
                State::Succeeded => 100,
                State::Running => percent.min(99),
                State::Queued | State::Failed => 0,
            },
            attempts: self.attempts,
            failure_reason: self.failure.as_ref().map(|f| f.reason.to_string()).unwrap_or_default(),
            failure_message: self.failure.as_ref().map(|f| f.message.clone()).unwrap_or_default(),
            create_time: Some(to_proto(self.created)),
            update_time: Some(to_proto(self.updated)),
            output_id: self.output.map(|o| o.to_string()).unwrap_or_default(),
        }
    }
}

impl TryFrom<entity::Model> for Encoding {
    type Error = StoreError;

    fn try_from(row: entity::Model) -> Result<Self, StoreError> {
        let failure = match row.failure_reason {
            None => None,
            Some(reason) => Some(Failure {
                reason: reason.parse().map_err(StoreError::corrupt)?,
                message: row.failure_message.unwrap_or_default(),
            }),
        };
        Ok(Self {
            id: row.encoding_id.parse().map_err(StoreError::corrupt)?,
            song: row.song_id.parse().map_err(StoreError::corrupt)?,
            owner: row.owner_id.parse().map_err(StoreError::corrupt)?,
            state: State::parse(&row.state).ok_or_else(|| StoreError::corrupt(&row.state))?,
            attempts: u32::try_from(row.attempts).map_err(StoreError::corrupt)?,
            output: row.output_id.map(|o| o.parse()).transpose().map_err(StoreError::corrupt)?,
            failure,
            version: u64::try_from(row.version).map_err(StoreError::corrupt)?,
            created: Timestamp(row.created_at),
            updated: Timestamp(row.updated_at),
        })
    }
}
