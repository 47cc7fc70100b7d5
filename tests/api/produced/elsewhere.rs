//! What takes more than a call: a test that makes it so, and the words by which it knows the error.

/// Variant, file, words in it.
pub(crate) const ALL: &[(&str, &str, &str)] = &[
    // A folder that is followed says what is wrong with it in the health of its store.
    (
        "SourceError::Dangling",
        "tests/api/follow/told.rs",
        "is a link to",
    ),
    (
        "SourceError::LocksOut",
        "tests/api/follow/guarding.rs",
        "would lock out client",
    ),
    (
        "SourceError::NothingMatches",
        "tests/api/follow/told.rs",
        "has no file named",
    ),
    (
        "SourceError::NeverSettles",
        "tests/api/follow/told.rs",
        "changed before each of the last",
    ),
    (
        "SourceError::Lists",
        "tests/api/follow/lists.rs",
        "something other than revocation lists",
    ),
    (
        "SourceError::Pattern",
        "tests/api/follow/told.rs",
        "SourceError::Pattern",
    ),
    (
        "SourceError::Missing",
        "tests/api/follow/malformed.rs",
        "\"is missing\"",
    ),
    (
        "SourceError::Empty",
        "tests/api/follow/malformed.rs",
        "\"is empty\"",
    ),
    (
        "SourceError::NotAFile",
        "tests/api/follow/malformed.rs",
        "\"neither a file\"",
    ),
    (
        "SourceError::Io",
        "tests/api/follow/malformed.rs",
        "\"pins.pem/below cannot be read: \"",
    ),
    (
        "SourceError::Certificates",
        "tests/api/follow/malformed.rs",
        "\"no PEM section\"",
    ),
    (
        "SourceError::Contradiction",
        "tests/api/follow/malformed.rs",
        "\"there are certificates as well\"",
    ),
    (
        "SourceError::Refused",
        "tests/api/follow/malformed.rs",
        "\"could never be accepted\"",
    ),
    (
        "SourceError::TooManyFiles",
        "tests/api/follow/malformed.rs",
        "more than {MAX_FOLLOWED_FILES} files",
    ),
    (
        "SourceError::TooLarge",
        "tests/api/follow/malformed.rs",
        "holds more than",
    ),
    (
        "SourceError::Changing",
        "tests/api/follow/malformed.rs",
        "is being changed",
    ),
    // A planned change of a durable store.
    (
        "GuardedError::Plan",
        "tests/api/durable/guarded.rs",
        "GuardedError::Plan(PlanError::Loses",
    ),
    (
        "GuardedError::Durable",
        "tests/api/durable/guarded.rs",
        "GuardedError::Durable(_)",
    ),
    // A system call fails: in a process that is watched.
    (
        "WriteStep::Write",
        "tests/api/issuing/syscalls.rs",
        "WriteStep::Write",
    ),
    (
        "WriteStep::Flush",
        "tests/api/issuing/syscalls.rs",
        "failed: Flush",
    ),
    (
        "WriteStep::Append",
        "tests/api/durable/syscalls.rs",
        "step: Append,",
    ),
    (
        "WriteStep::FlushAppended",
        "tests/api/durable/syscalls.rs",
        "step: FlushAppended,",
    ),
    (
        "WriteStep::Link",
        "tests/api/issuing/syscalls.rs",
        "failed: Link",
    ),
    (
        "WriteStep::Rename",
        "tests/api/issuing/syscalls.rs",
        "failed: Rename",
    ),
    (
        "WriteError::NotDurable",
        "tests/api/issuing/syscalls.rs",
        "WriteError::NotDurable",
    ),
    // Two files are replaced, and polled for a while.
    (
        "IdentityError::Followed",
        "tests/api/rotation/followed.rs",
        "the one from before is presented",
    ),
    (
        "IdentityError::FilesChanging",
        "tests/api/rotation/followed.rs",
        "the files keep changing",
    ),
    // The store's own source, beside an administrator's call.
    (
        "StoreWarning::RemovedFollowed",
        "tests/api/follow/told.rs",
        "is installed again as long as the source has it",
    ),
    (
        "StoreWarning::Followed",
        "tests/api/follow/kept.rs",
        "source source",
    ),
    // 256 MiB of lists.
    (
        "StoreError::CrlsTooLarge",
        "src/store/revocation.rs",
        "Err(StoreError::CrlsTooLarge { limit }) if",
    ),
    // A file with a number that no store reaches.
    (
        "StoreFileError::NoGenerationLeft",
        "tests/api/durable/damaged.rs",
        "StoreFileError::NoGenerationLeft { .. }",
    ),
    // A store of more than 600 MiB.
    (
        "StoreFileError::TooLargeToWrite",
        "src/admin/file/write.rs",
        "StoreFileError::TooLargeToWrite { size, crls, limit }",
    ),
    // The entry of a file that an older version wrote.
    (
        "StoreError::Unread",
        "tests/api/durable/loading.rs",
        "Err(StoreError::Unread(_))",
    ),
    // Where only ring is at hand, which makes no RSA keys.
    (
        "IssueError::KeyType",
        "tests/api/issuing/made.rs",
        "IssueError::KeyType",
    ),
    // The file of a key belongs to another user: only root can make it so.
    (
        "ReadFileError::Owner",
        "tests/api/keys/files.rs",
        "R::Owner",
    ),
    // A member has a store, and a fleet that publishes for it.
    (
        "MemberError::Bundle",
        "tests/api/member/crashes.rs",
        "MemberError::Bundle",
    ),
    (
        "MemberError::Conflict",
        "tests/api/member/names.rs",
        "MemberError::Conflict",
    ),
    (
        "MemberError::Exists",
        "tests/api/member/told.rs",
        "MemberError::Exists",
    ),
    (
        "MemberError::NotAMember",
        "tests/api/member/told.rs",
        "MemberError::NotAMember",
    ),
    (
        "MemberError::StateLost",
        "tests/api/member/crashes.rs",
        "MemberError::StateLost",
    ),
    (
        "MemberError::StateDamaged",
        "tests/api/member/crashes.rs",
        "MemberError::StateDamaged",
    ),
    (
        "MemberError::StateNotSealed",
        "tests/api/member/crashes.rs",
        "MemberError::StateNotSealed",
    ),
    (
        "MemberError::StateOld",
        "tests/api/member/crashes.rs",
        "MemberError::StateOld",
    ),
    (
        "MemberError::OtherDigest",
        "tests/api/member/told.rs",
        "MemberError::OtherDigest",
    ),
    (
        "MemberError::Durable",
        "tests/api/member/crashes.rs",
        "MemberError::Durable",
    ),
];

/// Variant, and why no call produces it.
pub(crate) const NEVER: &[(&str, &str)] = &[
    (
        "ProbeError::NotProbed",
        "our verifier breaks every probe off; it stands for a TLS library that does not ask it",
    ),
    (
        "IssueError::Encoding",
        "what a specification takes, the writer of certificates writes; it stands for one that does not",
    ),
    (
        "HostNameError::Form",
        "names of the TLS library are DNS names or addresses; it may get other forms",
    ),
];
