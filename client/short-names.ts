const NAMES = `
  access addApart addOlder allowsSilence alone announce arrived arrivedAt asking askWhen attempts
  backoff bell between blockedAt candidate carried ceilingMs channel checkedAt chosenAt claim
  clock closeIdle complain composer confirmedAt connectionsAreDead conversation countedAt dayMark
  dropped dueAt element emit emitter environment eventAt expected fallen feed fields fillIn
  firstAt followed formToken gapMs getPath givesToken giveUp graceMs guests hadRecord hangUp
  hasGap hasOlder hasScript hastenedAt heardAt heldBackAt helloAt inboxCursor isAfterWord
  isAsking isAtNewest isAway isBacklog isBehind isBlocked isBroken isBusy isConfirming isDoubtful
  isDoubting isFitting isFresh isGap isGreeted isHeld isHere isKnown isLeft isLive isLookedAt
  isMention isMine isMute isNew isOpen isOver isPassing isPlaced isPlain isPollSet isPresent
  isProbing isQuick isSending isSendingNext isSilent isSuspect isTimerSet isTooLong isUnderWay
  isUnlisted isUnsayable isWanted jumped keep lastAgeMs lastRttMs lastSeq later leader leaving
  ledger letGo listed logs lostMs marks meId most moved namedAt needsToken newKey nonce
  noteChange noted noteLeader noteNew offerUnread oldestSeq onChange onStatus openChannel
  openedAt opensAfter openSession orders ours outbox ownRoom ownTexts parts patience phase pingMs
  places pollBackoff polled polls position positionIn post proveAt provedAt proven question
  queued reachedAt readAgain reader reading readings reception record removeUnsent renewAt
  retryMs roomState rows saveDraft seen sender session sessionTicket setAside settle shelf
  showMembers shownAt showRoom showUnsent shrunkAt silences sink spare stopListening stopTimer
  stopTurn stopWaiting streamBackoff taken taskLine texts throttle tickets timeoutMs timeouts
  timers toMoment toNewest topMark tried tries typedAt unansweredAt underWay unknownAt unsayable
  unsent unshown usualMs views waitMs waitsForServer wayBack wish withdraw withinMs wokeAt
`;

/**
 * The properties that get short names in the page's scripts, which saves 3 % on the wire. They are
 * the client's own: none of them is sent, stored, shared between tabs, or read by a browser.
 */
export const SHORT_NAMES = NAMES.trim().split(/\s+/);

/**
 * The properties that get short names in the doctor's script, by the same rule. None of them is in
 * the report, which is shown and copied.
 */
export const DOCTOR_SHORT_NAMES = (
  "arrivedMs gapMs isComplete isInQuery onText quietMs requestByIframe requestOf retrySeconds seesStreams timeoutMs " +
  "tookMs"
).split(" ");
