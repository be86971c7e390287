Feature: whoever must act is told, and the requester whose intent moved
  A discount below the margin floor needs two voices of finance and the requester's manager.
  It is Monday, 23 November 2026, ten in the morning in New York; Thursday is a holiday there.
  ae-1, sales-manager-1, finance-lead, finance-1, finance-2, fpna-1, deal-desk-1, revops-lead and cro-chief-of-staff
  have a mail address in `people.md`; everybody else looks for themselves.

  Background:
    Given people have contacts

  Scenario: opening a seat tells everybody who can fill it
    When ae-1 asks for 12 % on 12000 at a margin of 14 %
    Then sales-manager-1 is told "Decide: discount 12% for quote Q-1, asked by ae-1, until Tue 24 Nov 10:00 New York"
    And finance-1 is told "Decide: discount 12% for quote Q-1, asked by ae-1, until Wed 25 Nov 10:00 New York"
    And finance-2 is told "Decide: discount 12% for quote Q-1, asked by ae-1, until Wed 25 Nov 10:00 New York"
    And the story says "told `finance-1` by mail: asked to decide"
    And ae-1 is told nothing
    And finance-3 is told nothing

  Scenario: nobody has a contact, and nothing is recorded
    Given nobody has contacts
    When ae-1 asks for 12 % on 12000 at a margin of 14 %
    And finance-1 declines revision 1 because "too much"
    Then no notice is recorded

  Scenario: a missed seat tells its backup, and the requester who has it now
    When ae-1 asks for 12 % on 12000 at a margin of 40 %
    And the seat is missed
    Then deal-desk-1 is told "Decide: discount 12% for quote Q-1, asked by ae-1, until Wed 25 Nov 10:00 New York"
    And ae-1 is told "Late: your discount 12% for quote Q-1 is with deal-desk-lead and 2 others now, until Wed 25 Nov 10:00 New York"
    And that message says "Now deal-desk-lead, deal-desk-1, deal-desk-2 can decide"
    And that message says "If that is too late as well: it becomes an exception, with somebody who answers for it."

  Scenario: what everybody missed is somebody's, and the requester hears whose
    When ae-1 asks for 12 % on 12000 at a margin of 40 %
    And the seat is missed
    And the seat is missed
    Then revops-lead is told "Yours to settle: discount 12% for quote Q-1, asked by ae-1"
    And ae-1 is told "Held up: your discount 12% for quote Q-1; revops-lead looks after it until"

  Scenario: whoever answers for an exception is reminded once, and whoever comes next hears that it will be theirs
    When ae-1 asks for 12 % on 12000 at a margin of 40 %
    And the seat is missed
    And the seat is missed
    And it becomes 2026-11-25T17:59:59Z
    Then nobody was reminded of an exception
    When it becomes 2026-11-25T18:00:00Z
    Then revops-lead is told "Reminder, yours to settle: discount 12% for quote Q-1, asked by ae-1, until Wed 25 Nov 14:00 New York"
    And that message says "It is still open, and you answer for it."
    And cro-chief-of-staff is told "Soon yours to settle: discount 12% for quote Q-1, asked by ae-1, from Wed 25 Nov 14:00 New York on"
    And that message says "If it is not settled then, you answer for it. There is nothing to do for you yet."
    And the story says "whoever answers for an exception is reminded; next in turn: `cro-chief-of-staff`"
    When it becomes 2026-11-25T18:59:59Z
    Then an exception was reminded of 1 time
    When it becomes 2026-11-25T19:00:00Z
    Then cro-chief-of-staff is told "Yours to settle: discount 12% for quote Q-1, asked by ae-1, until"
    And the story says "an exception was missed; `cro-chief-of-staff` answers for it now"

  Scenario: the reminder of an exception survives the host
    When ae-1 asks for 12 % on 12000 at a margin of 40 %
    And the seat is missed
    And the seat is missed
    And the host starts again
    And it becomes 2026-11-25T18:00:00Z
    Then an exception was reminded of 1 time
    When the host starts again
    And it becomes 2026-11-25T18:59:59Z
    Then an exception was reminded of 1 time

  Scenario: what is over reminds nobody
    When ae-1 asks for 12 % on 12000 at a margin of 40 %
    And the seat is missed
    And the seat is missed
    And ae-1 withdraws revision 1
    And it becomes 2026-11-25T18:30:00Z
    Then nobody was reminded of an exception

  Scenario: somebody goes away, and whoever covers is told
    When ae-1 asks for 12 % on 12000 at a margin of 14 %
    And finance-3 is away from 2026-11-23 until 2026-11-24 and fpna-1 covers
    Then fpna-1 is told "Decide: discount 12% for quote Q-1, asked by ae-1"
    And that message says "because the people of this seat have changed"
    And finance-1 is told 1 message

  Scenario: a question reaches the requester, and the answer whoever asked
    When ae-1 asks for 12 % on 12000 at a margin of 14 %
    And finance-1 asks "who is the competitor?"
    Then ae-1 is told "Answer: finance-1 asks about your discount 12% for quote Q-1"
    And that message says "who is the competitor?"
    When ae-1 answers "Initech"
    Then finance-1 is told "Answered, decide: discount 12% for quote Q-1, asked by ae-1"
    And that message says "Initech"
    And finance-2 is told 1 message

  Scenario: a requester who does not answer holds nothing up, and whoever asked hears it
    When ae-1 asks for 12 % on 12000 at a margin of 14 %
    And finance-1 asks "who is the competitor?"
    And it becomes 2026-11-25T15:00:00Z
    Then finance-1 is told "No answer came, decide: discount 12% for quote Q-1, asked by ae-1"

  Scenario: a claim that is not used is everybody's again
    When ae-1 asks for 12 % on 12000 at a margin of 14 %
    And finance-1 claims revision 1
    And it becomes 2026-11-23T19:00:00Z
    Then finance-2 is told "Open again: discount 12% for quote Q-1, asked by ae-1"
    And that message says "finance-1 said they would decide and did not in time"
    And finance-1 is told "Open again: discount 12% for quote Q-1, asked by ae-1"

  Scenario: nobody is told of their own deed
    When ae-1 asks for 12 % on 12000 at a margin of 14 %
    And every notice was tried
    And finance-1 declines revision 1 because "margin too thin"
    Then ae-1 is told "Declined: your discount 12% for quote Q-1"
    And that message says "margin too thin"
    And finance-1 is told 1 message

  Scenario: the requester hears that it is approved, and then that all of it is written
    When ae-1 asks for 12 % on 12000 at a margin of 40 %
    And writes get through
    And sales-manager-1 approves revision 1
    Then ae-1 is told "Approved: your discount 12% for quote Q-1"
    And ae-1 is told "Done: your discount 12% for quote Q-1"
    And nothing but what landed wakes the engine in the end

  Scenario: what is sent back is the requester's, and the next revision asks anew
    When ae-1 asks for 12 % on 12000 at a margin of 14 %
    And finance-1 sends it back because "ten percent is enough"
    Then ae-1 is told "Change it: finance-1 sent back your discount 12% for quote Q-1, until"
    And that message says "ten percent is enough"
    When ae-1 amends discount_percent to 11%
    Then finance-1 is told "Decide: discount 11% for quote Q-1, asked by ae-1"

  Scenario: one commit ends everything
    Given no mail gets through
    When ae-1 asks for 12 % on 12000 at a margin of 14 %
    And every notice was tried
    And ae-1 withdraws revision 1
    Then the intent is withdrawn
    And nothing wakes the engine
    And the story says "not told any more, as it is over"
    When mails get through again
    And 7200 seconds pass
    Then nobody was told anything

  Scenario: what is filled by others is not asked any more
    Given no mail gets through
    When ae-1 asks for 12 % on 12000 at a margin of 40 %
    And every notice was tried
    And mails get through again
    And sales-manager-1 approves revision 1
    Then ae-1 is told "Approved: your discount 12% for quote Q-1"
    And sales-manager-1 is told nothing

  Scenario: a message that does not get through is sent again under the same key
    Given the next 2 mails do not get through
    When ae-1 asks for 12 % on 12000 at a margin of 40 %
    Then sales-manager-1 is told "Decide: discount 12% for quote Q-1" in the end, under one key after 3 tries
    And the story says "could not tell `sales-manager-1` by mail (asked to decide): as the feature says; again at"
    And the story says "told `sales-manager-1` by mail: asked to decide"

  Scenario: what the server asks for is waited for
    Given the next mail is put off for 3600 seconds
    When ae-1 asks for 12 % on 12000 at a margin of 40 %
    And every notice was tried
    And 3500 seconds pass
    Then sales-manager-1 is told nothing
    When 200 seconds pass
    Then sales-manager-1 is told "Decide: discount 12% for quote Q-1"

  Scenario: after three days it is given up, and the record says so
    Given no mail gets through
    When ae-1 asks for 12 % on 12000 at a margin of 14 %
    And every notice was tried
    And finance-1 declines revision 1 because "margin too thin"
    And ae-1 goes on trying for 73 hours
    Then the story says "gave up telling `ae-1` by mail (declined): as the feature says"
    And nothing wakes the engine

  Scenario: an address that is refused for good is not tried again
    Given the next mail is refused for good
    When ae-1 asks for 12 % on 12000 at a margin of 40 %
    Then the story tells in the end "gave up telling `sales-manager-1` by mail (asked to decide): as the feature says"
    And the intent is seated
    And sales-manager-1 is told nothing

  Scenario: a host that dies before it hears that a mail arrived sends it again under the same key
    Given the host dies while the next mail is on its way
    When ae-1 asks for 12 % on 12000 at a margin of 40 %
    And the host starts again after the mail left
    Then sales-manager-1 is told "Decide: discount 12% for quote Q-1" in the end, under one key after 2 tries

  Scenario: a mail server that does not answer holds up no effect and no timer
    Given every mail hangs
    When ae-1 asks for 12 % on 12000 at a margin of 40 %
    And the seat is missed
    Then deal-desk-1 may decide
    When writes get through
    And deal-desk-1 approves revision 1
    Then the intent is done in the end
