//! The FLAC encoder of libFLAC, safely.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use libflac_sys as flac;

use crate::Error;
use crate::pcm::Format;

/// libFLAC's best, so that an uploaded FLAC is rarely smaller than its rung and can be kept offline as FLAC. What making the
/// rungs costs is printed by `cargo xtask bench encode`.
const COMPRESSION_LEVEL: u32 = 8;

/// One FLAC frame as libFLAC made it: fixed block size, numbered from 0.
pub(crate) struct Frame {
    pub(crate) bytes: Vec<u8>,
    /// Samples per channel.
    pub(crate) samples: u32,
}

/// Encodes one run of samples. A new run needs a new encoder.
pub(crate) struct FlacEncoder {
    encoder: NonNull<flac::FLAC__StreamEncoder>,
    channels: usize,
    /// Owned by this struct, but kept as a pointer: libFLAC holds a copy of it, which no reference may overrule.
    frames: NonNull<Vec<Frame>>,
    finished: bool,
}

// SAFETY: the encoder and the frames it writes to are owned by this struct alone; libFLAC keeps no state per
// thread and runs no threads of its own unless asked to.
unsafe impl Send for FlacEncoder {}

impl FlacEncoder {
    pub(crate) fn new(format: Format, block: u32) -> Result<Self, Error> {
        // SAFETY: takes no arguments; null means out of memory.
        let encoder = NonNull::new(unsafe { flac::FLAC__stream_encoder_new() })
            .ok_or_else(|| Error::Encoder("libFLAC: out of memory".into()))?;
        let frames = NonNull::from(Box::leak(Box::default()));
        let this = Self { encoder, channels: format.channels, frames, finished: false };
        let raw = this.encoder.as_ptr();
        // SAFETY: the encoder is valid and not yet initialised, which is when these may be called.
        let accepted = unsafe {
            flac::FLAC__stream_encoder_set_channels(raw, format.channels as u32) != 0
                && flac::FLAC__stream_encoder_set_bits_per_sample(raw, format.bits) != 0
                && flac::FLAC__stream_encoder_set_sample_rate(raw, format.rate) != 0
                && flac::FLAC__stream_encoder_set_compression_level(raw, COMPRESSION_LEVEL) != 0
                && flac::FLAC__stream_encoder_set_blocksize(raw, block) != 0
                // Rates such as 176,401 Hz are outside the subset, and legal all the same.
                && flac::FLAC__stream_encoder_set_streamable_subset(raw, 0) != 0
        };
        if !accepted {
            return Err(Error::Encoder("libFLAC: a setting was refused".into()));
        }
        // SAFETY: `frames` lives as long as the encoder (`Drop` deletes the encoder first), and is touched outside
        // the callback only while no libFLAC call runs.
        let status = unsafe {
            flac::FLAC__stream_encoder_init_stream(
                raw,
                Some(on_write),
                None,
                None,
                None,
                frames.as_ptr().cast(),
            )
        };
        if status != flac::FLAC__STREAM_ENCODER_INIT_STATUS_OK {
            return Err(Error::Encoder(format!("libFLAC: set-up: status {status}")));
        }
        Ok(this)
    }

    /// Takes interleaved samples; they must fit the bits given to [`FlacEncoder::new`].
    pub(crate) fn push(&mut self, samples: &[i32]) -> Result<(), Error> {
        let frames = (samples.len() / self.channels) as u32;
        // SAFETY: the encoder is initialised; the slice holds `frames` × channels samples.
        let accepted = unsafe {
            flac::FLAC__stream_encoder_process_interleaved(self.encoder.as_ptr(), samples.as_ptr(), frames)
        };
        if accepted == 0 { Err(Error::Encoder("libFLAC: samples were refused".into())) } else { Ok(()) }
    }

    /// Ends the run and returns all its frames.
    pub(crate) fn finish(mut self) -> Result<Vec<Frame>, Error> {
        self.finished = true;
        // SAFETY: the encoder is initialised, and finished once.
        if unsafe { flac::FLAC__stream_encoder_finish(self.encoder.as_ptr()) } == 0 {
            return Err(Error::Encoder("libFLAC: the end was refused".into()));
        }
        // SAFETY: valid until `Drop`, and libFLAC is not running.
        Ok(std::mem::take(unsafe { self.frames.as_mut() }))
    }
}

impl Drop for FlacEncoder {
    fn drop(&mut self) {
        if !self.finished {
            // SAFETY: the encoder is valid; finishing an uninitialised one does nothing. Its last frames still go
            // to `frames`, which is alive.
            unsafe { flac::FLAC__stream_encoder_finish(self.encoder.as_ptr()) };
        }
        // SAFETY: made by `new` and deleted once.
        unsafe { flac::FLAC__stream_encoder_delete(self.encoder.as_ptr()) };
        // SAFETY: leaked from a box by `new`, taken back once, and no longer known to libFLAC.
        drop(unsafe { Box::from_raw(self.frames.as_ptr()) });
    }
}

/// Called once per frame, and with `samples` 0 for the metadata in front, which we write ourselves.
unsafe extern "C" fn on_write(
    _encoder: *const flac::FLAC__StreamEncoder,
    buffer: *const u8,
    bytes: usize,
    samples: u32,
    _current_frame: u32,
    frames: *mut c_void,
) -> flac::FLAC__StreamEncoderWriteStatus {
    if samples == 0 {
        return flac::FLAC__STREAM_ENCODER_WRITE_STATUS_OK;
    }
    // A panic (out of memory) must not cross into C.
    let stored = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: libFLAC hands out `bytes` readable bytes for the time of the call.
        let bytes = unsafe { std::slice::from_raw_parts(buffer, bytes) }.to_vec();
        // SAFETY: the pointer given at set-up; see there why it is valid and unaliased.
        let frames = unsafe { &mut *frames.cast::<Vec<Frame>>() };
        frames.push(Frame { bytes, samples });
    }));
    match stored {
        Ok(()) => flac::FLAC__STREAM_ENCODER_WRITE_STATUS_OK,
        Err(_) => flac::FLAC__STREAM_ENCODER_WRITE_STATUS_FATAL_ERROR,
    }
}
