//! The rule behind a verdict, and what an operator does about it in just this case.
//!
//! A reason code says what happened. The remedy also depends on the slot, on the role of the peer and on the values behind
//! the reason: a certificate of a chain is renewed at its CA, that of a pin is installed.

use std::borrow::Cow;

use super::{Detail, ReasonCode, Rule, Verdict};
use crate::certificate::{KeyRefusal, Role};
use crate::store::Slot;

impl Verdict {
    /// The rule that decided. For most codes it is [`ReasonCode::rule`]; the period of validity, for one, is judged
    /// by another rule in a chain than of a pin.
    pub fn rule(&self) -> Rule {
        let reason = self.reason();
        if reason.accepts() {
            return reason.rule();
        }
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "these codes belong to several rules, all others to one"
        )]
        match reason {
            ReasonCode::Expired
            | ReasonCode::NotYetValid
            | ReasonCode::WrongExtendedKeyUsage
            | ReasonCode::UnknownCriticalExtension
                if !self.is_of_pin() =>
            {
                Rule::C1
            }
            ReasonCode::Revoked if self.is_of_pin() => Rule::M8,
            // P2 is about servers, which pins claim.
            ReasonCode::PinDoesNotMatch | ReasonCode::SameSubjectOtherKey
                if self.role == Role::Client =>
            {
                Rule::P7
            }
            _ => reason.rule(),
        }
    }

    /// What an operator does about it, in just this case; for an acceptance, nothing. Without the feature `texts`, empty.
    pub fn remedy(&self) -> Cow<'static, str> {
        let reason = self.reason();
        if !cfg!(feature = "texts") {
            return reason.remedy().into();
        }
        if let Some(kept) = &self.remedy {
            return kept.clone();
        }
        self.special_remedy(reason)
            .unwrap_or_else(|| reason.remedy().into())
    }

    /// Whether a pin that the peer presented was refused.
    fn is_of_pin(&self) -> bool {
        self.decided_by()
            .is_some_and(|entry| entry.slot() == Slot::Pin)
    }

    /// Whether the reason is about a CA above the presented certificate, and not about that.
    fn is_of_issuer(&self) -> bool {
        let reason = self.reason();
        let presented = self.presented;
        self.considered.items().iter().any(|item| {
            let is_pin = item.entry.as_ref().map(|key| key.slot) == Some(Slot::Pin);
            item.reason == reason && !is_pin && Some(item.fingerprint) != presented
        })
    }

    fn special_remedy(&self, reason: ReasonCode) -> Option<Cow<'static, str>> {
        let (of_pin, role) = (self.is_of_pin(), self.role);
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the remedy of all other codes is the same in every case"
        )]
        let text = match reason {
            ReasonCode::Expired if !of_pin => {
                "Have the CA issue the peer a new certificate. Nothing has to be installed here, and a chain has no grace."
            }
            ReasonCode::NotYetValid if !of_pin => {
                "Compare the clocks of both machines and of the CA, or wait until the certificate is valid: a chain has no tolerance."
            }
            ReasonCode::WrongExtendedKeyUsage if !of_pin => match role {
                Role::Server => {
                    "Have the CA issue the server a certificate with serverAuth in its extended key usage."
                }
                Role::Client => {
                    "Have the CA issue the client a certificate with clientAuth in its extended key usage."
                }
            },
            ReasonCode::WrongExtendedKeyUsage => match role {
                Role::Server => {
                    "Have a certificate made with serverAuth, or waive this with the pin's option `any_role`."
                }
                Role::Client => {
                    "Have a certificate made with clientAuth, or waive this with the pin's option `any_role`."
                }
            },
            ReasonCode::AnyExtendedKeyUsageAlone => match role {
                Role::Server => {
                    "Have that certificate issued with serverAuth in its extended key usage. Or install the server's certificate as a pin, for which anyExtendedKeyUsage is enough."
                }
                Role::Client => {
                    "Have that certificate issued with clientAuth in its extended key usage. Or install the client's certificate as a pin, for which anyExtendedKeyUsage is enough."
                }
            },
            ReasonCode::SameSubjectOtherKey => match role {
                Role::Server => {
                    "Find out whether the server changed its key. If it did, install its new certificate as a pin; if it moved to a CA, install that CA as an authority and migrate the server. If not, another machine uses its name."
                }
                Role::Client => {
                    "Find out whether the client changed its key. If it did, install its new certificate as a pin, or the CA that issued it as an authority for clients. If not, another machine uses its name."
                }
            },
            ReasonCode::IssuedByPin => return Some(self.issued_by_pin()),
            ReasonCode::KeyNotAllowed => return self.key_not_allowed(),
            ReasonCode::UnknownCriticalExtension if self.is_of_issuer() => {
                "Have the CA's certificate made without that extension, or with it not critical."
            }
            ReasonCode::Blocked if self.is_of_issuer() => {
                "If the block is a mistake, unblock it by the selector that the list of blocks shows. If not, have the peer's certificate issued by another CA."
            }
            ReasonCode::SignatureAlgorithmUnsupported => match self.detail() {
                Detail::Signature {
                    aws_lc_rs: true, ..
                } => {
                    "Use the crypto provider aws-lc-rs, which verifies this algorithm. Or have the certificate that is named issued again, signed with SHA-256."
                }
                _ => return None,
            },
            ReasonCode::Revoked if self.revoked_issuer() => {
                "Have the peer's certificate issued by a CA that is not revoked."
            }
            ReasonCode::RevocationUnknown => return self.revocation_unknown(),
            _ => return None,
        };
        Some(text.into())
    }

    fn issued_by_pin(&self) -> Cow<'static, str> {
        let misused = "If it is not your CA, its key is misused.";
        let scope = match self.role {
            Role::Server => "install it as an authority and release the server from its pins",
            Role::Client => "install it as an authority for clients",
        };
        let no_authority = matches!(
            self.detail(),
            Detail::IssuedByPin {
                no_authority: Some(_),
                ..
            }
        );
        if no_authority {
            format!(
                "If that pin is your CA, have it issue itself a new certificate of X.509 version 3 with basicConstraints CA:TRUE and keyUsage keyCertSign, then {scope}. Or install the presented certificate as a pin. {misused}"
            )
        } else {
            format!("If that pin is your CA, {scope}. {misused}")
        }
        .into()
    }

    fn key_not_allowed(&self) -> Option<Cow<'static, str>> {
        let give = if self.is_of_issuer() {
            "Have the peer's certificate issued by a CA with a key"
        } else {
            "Give the peer a key"
        };
        let Detail::Key(refusal) = self.detail() else {
            return None;
        };
        let text = match refusal {
            KeyRefusal::Unsupported {
                key,
                allowed: Some(allowed),
                ..
            } => {
                let other = if key.needs_aws_lc_rs() {
                    "; or use the crypto provider aws-lc-rs, which accepts this kind"
                } else {
                    ""
                };
                format!("{give} of a kind that is accepted here: {allowed}{other}.")
            }
            KeyRefusal::Weak { min_bits, .. } => {
                format!(
                    "{give} that is long enough: RSA with at least {min_bits} bits, or another kind."
                )
            }
            KeyRefusal::VerifiesNothing { .. } => {
                format!("{give} that is new: this one is damaged or forged.")
            }
            KeyRefusal::Unsupported { allowed: None, .. } => return None,
        };
        Some(text.into())
    }

    fn revoked_issuer(&self) -> bool {
        matches!(self.detail(), Detail::Revoked { certificate, .. }
            if Some(*certificate) != self.presented && !self.is_of_pin())
    }

    fn revocation_unknown(&self) -> Option<Cow<'static, str>> {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "every other detail of this code is a sentence about the issuer"
        )]
        let text = match self.detail() {
            Detail::NotCovered { lists: 0, .. } => {
                "Install the issuer's current revocation list, or stop checking the issuer."
            }
            Detail::NotCovered {
                not_yet: Some(_), ..
            } => {
                "Compare the clocks of this machine and of the CA. If ours is right, install a revocation list that is valid now."
            }
            Detail::NotCovered {
                lists, elsewhere, ..
            } if elsewhere == lists => {
                "Install the issuer's revocation list of the distribution point that the certificate names, or one for all its certificates."
            }
            Detail::NotCovered { .. } => return None,
            _ => {
                "Have the CA's certificate issued again with cRLSign in its keyUsage, or stop checking the issuer."
            }
        };
        Some(text.into())
    }
}
