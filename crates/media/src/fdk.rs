//! The AAC-LC encoder of fdk-aac, safely.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr;

use fdk_aac_sys as fdk;

use crate::Error;

/// Samples per channel of an access unit.
pub(crate) const FRAME: usize = 1024;

/// Samples by which the encoder's output lags behind its input, at every rate and bit rate we use (measured).
pub(crate) const DELAY: u64 = 2048;

/// Encodes a stream of 16-bit PCM into raw access units.
pub(crate) struct AacEncoder {
    handle: fdk::HANDLE_AACENCODER,
    config: Vec<u8>,
    channels: usize,
    out: Vec<u8>,
}

// SAFETY: the handle is owned by this struct alone, and fdk-aac keeps no state per thread; moving it between
// threads is fine. It is not Sync, and no method takes `&self` into the library.
unsafe impl Send for AacEncoder {}

impl AacEncoder {
    /// `channels` is 1 or 2; `bitrate` in bit/s.
    pub(crate) fn new(sample_rate: u32, channels: usize, bitrate: u32) -> Result<Self, Error> {
        let mut handle = ptr::null_mut();
        // SAFETY: `handle` is a valid place for the handle; it is set only on success.
        check("open", unsafe { fdk::aacEncOpen(&mut handle, 0, channels as u32) })?;
        // From here on `Drop` closes the handle.
        let mut encoder = Self { handle, config: Vec::new(), channels, out: Vec::new() };
        let mode = if channels == 1 { fdk::CHANNEL_MODE_MODE_1 } else { fdk::CHANNEL_MODE_MODE_2 };
        for (param, value) in [
            (fdk::AACENC_PARAM_AACENC_AOT, fdk::AUDIO_OBJECT_TYPE_AOT_AAC_LC as u32),
            (fdk::AACENC_PARAM_AACENC_SAMPLERATE, sample_rate),
            (fdk::AACENC_PARAM_AACENC_CHANNELMODE, mode as u32),
            (fdk::AACENC_PARAM_AACENC_CHANNELORDER, 1),
            (fdk::AACENC_PARAM_AACENC_BITRATEMODE, 0),
            (fdk::AACENC_PARAM_AACENC_BITRATE, bitrate),
            (fdk::AACENC_PARAM_AACENC_TRANSMUX, 0),
            (fdk::AACENC_PARAM_AACENC_AFTERBURNER, 0),
        ] {
            // SAFETY: the handle is open; the call only reads its arguments.
            check("parameter", unsafe { fdk::aacEncoder_SetParam(encoder.handle, param, value) })?;
        }
        // SAFETY: null buffers ask for initialisation only, as the library documents.
        check("set-up", unsafe {
            fdk::aacEncEncode(encoder.handle, ptr::null(), ptr::null(), ptr::null(), ptr::null_mut())
        })?;
        // SAFETY: the struct is plain integers and arrays of them, for which zero is a valid value.
        let mut info: fdk::AACENC_InfoStruct = unsafe { std::mem::zeroed() };
        // SAFETY: the handle is open and `info` is a valid place.
        check("information", unsafe { fdk::aacEncInfo(encoder.handle, &mut info) })?;
        if u64::from(info.nDelay) != DELAY || info.frameLength as usize != FRAME {
            return Err(Error::Encoder(format!("fdk-aac: delay of {} samples", info.nDelay)));
        }
        encoder.config = info.confBuf[..info.confSize as usize].to_vec();
        encoder.out = vec![0; (info.maxOutBufBytes as usize).max(2048)];
        Ok(encoder)
    }

    /// The AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
    pub(crate) fn config(&self) -> &[u8] {
        &self.config
    }

    /// Encodes one frame of [`FRAME`] samples per channel, interleaved, and returns the access unit that is ready.
    pub(crate) fn encode(&mut self, samples: &[i16]) -> Result<Option<&[u8]>, Error> {
        if samples.len() != FRAME * self.channels {
            return Err(Error::Encoder("fdk-aac: not one frame".into()));
        }
        let mut input = samples.as_ptr().cast_mut().cast::<c_void>();
        let mut input_id = fdk::AACENC_BufferIdentifier_IN_AUDIO_DATA as i32;
        let mut input_size = size_of_val(samples) as i32;
        let mut input_element = size_of::<i16>() as i32;
        let input_desc = fdk::AACENC_BufDesc {
            numBufs: 1,
            bufs: &mut input,
            bufferIdentifiers: &mut input_id,
            bufSizes: &mut input_size,
            bufElSizes: &mut input_element,
        };
        let mut output = self.out.as_mut_ptr().cast::<c_void>();
        let mut output_id = fdk::AACENC_BufferIdentifier_OUT_BITSTREAM_DATA as i32;
        let mut output_size = self.out.len() as i32;
        let mut output_element = 1;
        let output_desc = fdk::AACENC_BufDesc {
            numBufs: 1,
            bufs: &mut output,
            bufferIdentifiers: &mut output_id,
            bufSizes: &mut output_size,
            bufElSizes: &mut output_element,
        };
        let arguments = fdk::AACENC_InArgs { numInSamples: samples.len() as i32, numAncBytes: 0 };
        let mut result =
            fdk::AACENC_OutArgs { numOutBytes: 0, numInSamples: 0, numAncBytes: 0, bitResState: 0 };
        // SAFETY: the handle is open; both descriptors name one buffer each that lives through the call, with its
        // true size in bytes; the library writes to the output buffer only and reads `samples` only.
        check("encode", unsafe {
            fdk::aacEncEncode(self.handle, &input_desc, &output_desc, &arguments, &mut result)
        })?;
        if result.numInSamples as usize != samples.len() {
            return Err(Error::Encoder("fdk-aac: a frame was not taken whole".into()));
        }
        let bytes = usize::try_from(result.numOutBytes).unwrap_or(0).min(self.out.len());
        Ok((bytes > 0).then(|| &self.out[..bytes]))
    }
}

impl Drop for AacEncoder {
    fn drop(&mut self) {
        // SAFETY: the handle came from `aacEncOpen` and is closed once; the library sets it to null.
        unsafe { fdk::aacEncClose(&mut self.handle) };
    }
}

fn check(what: &str, error: fdk::AACENC_ERROR) -> Result<(), Error> {
    if error == fdk::AACENC_ERROR_AACENC_OK {
        return Ok(());
    }
    Err(Error::Encoder(format!("fdk-aac: {what}: error {error:#x}")))
}
