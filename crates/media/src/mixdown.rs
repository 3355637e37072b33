//! More than two channels to stereo.

/// Where a channel's loudspeaker stands, as far as mixing down cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    Left,
    Right,
    Center,
    Lfe,
    SideLeft,
    SideRight,
    BackCenter,
}

/// Bits of a WAVE channel mask, lowest first (Microsoft, WAVEFORMATEXTENSIBLE).
const MASK: [Position; 18] = [
    Position::Left,
    Position::Right,
    Position::Center,
    Position::Lfe,
    Position::SideLeft,  // back left
    Position::SideRight, // back right
    Position::SideLeft,  // left of centre
    Position::SideRight, // right of centre
    Position::BackCenter,
    Position::SideLeft,
    Position::SideRight,
    Position::BackCenter, // top centre
    Position::SideLeft,   // top front left
    Position::Center,     // top front centre
    Position::SideRight,  // top front right
    Position::SideLeft,   // top back left
    Position::BackCenter, // top back centre
    Position::SideRight,  // top back right
];

impl Position {
    /// FLAC's channel order (RFC 9639, section 9.1.3), which is WAV's too where it has no mask.
    pub(crate) fn of_count(channels: usize) -> Vec<Self> {
        use Position::*;
        match channels {
            3 => vec![Left, Right, Center],
            4 => vec![Left, Right, SideLeft, SideRight],
            5 => vec![Left, Right, Center, SideLeft, SideRight],
            6 => vec![Left, Right, Center, Lfe, SideLeft, SideRight],
            7 => vec![Left, Right, Center, Lfe, BackCenter, SideLeft, SideRight],
            8 => vec![Left, Right, Center, Lfe, SideLeft, SideRight, SideLeft, SideRight],
            _ => [Left, Right].into_iter().cycle().take(channels).collect(),
        }
    }

    /// By a WAVE channel mask, if it names every channel.
    pub(crate) fn of_mask(mask: u32, channels: usize) -> Vec<Self> {
        if mask.count_ones() as usize != channels || mask >> MASK.len() != 0 {
            return Self::of_count(channels);
        }
        (0..MASK.len()).filter(|bit| mask >> bit & 1 == 1).map(|bit| MASK[bit]).collect()
    }

    /// Gains into left and right (ITU-R BS.775-3, annex 4), before normalising.
    fn gains(self) -> [f64; 2] {
        const HALF_POWER: f64 = std::f64::consts::FRAC_1_SQRT_2;
        match self {
            Self::Left => [1.0, 0.0],
            Self::Right => [0.0, 1.0],
            Self::Center => [HALF_POWER, HALF_POWER],
            Self::Lfe => [0.0, 0.0],
            Self::SideLeft => [HALF_POWER, 0.0],
            Self::SideRight => [0.0, HALF_POWER],
            Self::BackCenter => [0.5, 0.5],
        }
    }
}

/// Gains of every channel into left and right, scaled so that nothing can clip.
pub(crate) struct Mixdown {
    gains: Vec<[f64; 2]>,
}

impl Mixdown {
    pub(crate) fn new(positions: &[Position]) -> Self {
        let mut gains: Vec<[f64; 2]> = positions.iter().map(|position| position.gains()).collect();
        let sum = |side: usize| gains.iter().map(|gain| gain[side]).sum::<f64>();
        let most = sum(0).max(sum(1));
        // Only low-frequency channels: keep them rather than make silence.
        if most == 0.0 {
            let each = 1.0 / gains.len().max(1) as f64;
            gains.iter_mut().for_each(|gain| *gain = [each, each]);
        } else {
            gains.iter_mut().flatten().for_each(|gain| *gain /= most);
        }
        Self { gains }
    }

    /// One frame to left and right.
    pub(crate) fn frame(&self, samples: impl Iterator<Item = f64>) -> [f64; 2] {
        let mut out = [0.0; 2];
        for (sample, gain) in samples.zip(&self.gains) {
            out[0] += sample * gain[0];
            out[1] += sample * gain[1];
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_point_one_keeps_the_proportions_and_cannot_clip() {
        let mix = Mixdown::new(&Position::of_count(6));
        let [left, right] = mix.frame([1.0, 0.0, 0.0, 0.0, 0.0, 0.0].into_iter());
        assert!((left - 0.414_214).abs() < 1e-6 && right == 0.0);
        let [left, right] = mix.frame([0.0, 0.0, 1.0, 0.0, 0.0, 0.0].into_iter());
        assert!((left - 0.292_893).abs() < 1e-6 && left == right);
        let [left, right] = mix.frame([1.0; 6].into_iter());
        assert!((left - 1.0).abs() < 1e-12 && (right - 1.0).abs() < 1e-12);
    }

    #[test]
    fn side_and_back_names_of_a_mask_mix_alike() {
        assert_eq!(Position::of_mask(0x3f, 6), Position::of_mask(0x60f, 6));
        assert_eq!(Position::of_mask(0, 6), Position::of_count(6));
    }
}
