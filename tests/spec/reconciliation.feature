Feature: Reconciliation
  What landed is read back, less and less often, until it is old. What its target does not hold any more is written again
  where the intent type or a person says so; otherwise somebody is asked. What another intent has written there since
  counts.

  Scenario: what holds is looked at less and less often, and one day no more
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When it is looked at until nobody looks any more
    Then it was found true 20 times, at least 90 days long
    And nobody is asked about it

  Scenario Outline: what is not as it was approved is somebody's, until it is put right
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target holds <what>
    And it is looked at
    Then an exception with cause <cause> has an owner
    When it is looked at
    Then it is found <verdict> and nobody else is asked
    When the target holds what was approved
    And it is looked at
    Then the exception of cause <cause> is closed by the host

    Examples:
      | what                | cause      | verdict    |
      | something else      | drift      | drifted    |
      | what it held before | late       | late       |
      | no such record      | gone       | gone       |
      | other fields        | unreadable | unreadable |

  Scenario: what gets worse is told again
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target holds something else
    And it is looked at
    Then an exception with cause drift has an owner
    When the target holds no such record
    And it is looked at
    Then an exception with cause gone has an owner
    And the exception of cause drift is closed by the host

  Scenario: a target that does not answer is not the intent's trouble
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target answers nothing
    And it is looked at
    Then it is found unreadable and nobody is asked about it

  Scenario: a credential that is refused when something is read back pauses its connection
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target refuses the credential for reads too
    And it is looked at
    Then an exception with cause denied has an owner
    And nothing is asked of the target
    When the credential is taken again, and the owner says retry
    And 2 hours pass
    Then it is found true and nobody is asked about it

  Scenario: a connection that is left alone is not asked
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target is left alone for an hour
    And 2 hours pass
    Then it is looked at then, and not before

  Scenario Outline: what has drifted is written again, under the same approval
    Given an intent type that has what has drifted written again
    And its write has landed with guarantee <guarantee>
    When the target holds something else
    And it is looked at
    Then it is written again, and nobody is asked about it
    When the target holds what was approved
    And it is looked at
    Then it is found true
    And the measures count one rework, one write made again, one that is as approved, and the intent once

    Examples:
      | guarantee      |
      | by-key         |
      | by-natural-key |
      | by-probe       |
      | blind          |

  Scenario: what drifts again and again is somebody's
    Given an intent type that has what has drifted written again
    And its write has landed
    When the target holds something else, whatever is written
    And it is looked at 3 times
    Then it was written 4 times in all
    When it is looked at
    Then an exception with cause drift has an owner
    And it was written 4 times in all
    When the owner says re-assert
    Then it was written 5 times in all

  Scenario: whoever answers for it can have it written again
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target holds something else
    And it is looked at
    And the owner says re-assert
    Then it is written again, and the exception is closed

  Scenario: whoever answers for it can have it looked at now
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target holds something else
    And it is looked at
    And the target holds what was approved
    And the owner says probe
    Then it is found true at once

  Scenario: whoever answers for it can leave it as it is
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target holds something else
    And it is looked at
    And the owner says give-up
    Then nobody looks any more

  Scenario: what is gone cannot be written again
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target holds no such record
    And it is looked at
    Then the owner cannot say re-assert, only probe or give-up

  Scenario: a record that the write made is not made again
    Given an intent type that has what has drifted written again
    And its write has landed in a record of its own
    When the target holds something else
    And it is looked at
    Then an exception with cause drift has an owner
    And its message ends with "it made a record of its own, and would make another one if it was written again"
    And it was written 1 time in all

  Scenario: where another connection leads to the same system nothing is written again without a person
    Given an intent type that has what has drifted written again
    And another connection leads to the same system
    And its write has landed
    When the target holds something else
    And it is looked at
    Then an exception with cause drift has an owner
    And its message ends with "it is not written again by itself, as connection `mirror` leads to the same system"
    When the owner says re-assert
    Then it is written again, and the exception is closed

  Scenario: what landed while it was on its way makes nobody sure
    Given an intent type that has what has drifted written again
    When another intent lands between its write and the answer to it
    And the target holds something else
    And it is looked at
    Then an exception with cause drift has an owner
    And its message ends with "it is not written again by itself, as another intent was written there, and nobody can say which came last"

  Scenario: what was given up and may be in makes nobody sure
    Given an intent type that has what has drifted written again
    And its write has landed with guarantee blind
    When another intent is given up without anybody knowing whether it is in
    And it is looked at
    Then an exception with cause drift has an owner
    And its message ends with "it is not written again by itself, as another intent was written there, and nobody can say which came last"

  Scenario: nothing is written again beside what was approved
    Given an intent type that has what has drifted written again
    And its write has landed
    When the target holds something else, and more than that would be written
    And it is looked at
    Then an exception with cause drift has an owner
    And its message ends with "what would be written is not what was approved"
    And it was written 1 time in all

  Scenario: what nobody watches is not written again with it
    Given an intent type that has what has drifted written again
    And it writes a reason that it does not watch
    And its write has landed
    When the target holds something else
    And it is looked at
    Then an exception with cause drift has an owner
    And its message ends with "`reason` would be written with it, and the intent type does not watch that"
    And it was written 1 time in all

  Scenario: what is to be written again waits for its target a day long
    Given an intent type that has what has drifted written again
    And its write has landed
    When the target holds something else, and plans nothing
    And it is looked at
    Then nobody is asked about it
    When 25 hours pass
    Then an exception with cause drift has an owner
    And it was written 1 time in all

  Scenario: what another intent has written since counts
    Given an intent type that has what has drifted written again
    And its write has landed
    When another intent writes something else there
    And it is looked at
    Then nobody looks at the first one any more, and it was not written again

  Scenario: while another intent writes there nothing is judged
    Given an intent type that has what has drifted written again
    And its write has landed
    When another intent is writing something else there
    And it is looked at
    Then it is found unreadable and nobody is asked about it
    When that has landed
    And it is looked at
    Then nobody looks at the first one any more, and it was not written again

  Scenario: a last look decides nothing while another intent writes there
    Given an intent type that has what has drifted written again
    And its write has landed
    When it is about to be looked at for the last time
    And another intent is writing something else there
    And it is looked at
    Then it is found unreadable and nobody is asked about it
    When that has landed
    And it is looked at
    Then nobody looks at the first one any more, and it was not written again

  Scenario: what another intent was approved for counts, also where its target held that already
    Given an intent type that has what has drifted written again
    And its write has landed
    When another intent is approved for what the target holds by now
    And it is looked at
    Then nobody looks at the first one any more, and nothing was written over it

  Scenario: what another intent has not written is still watched, and not written again together with the rest
    Given an intent type that has what has drifted written again
    And it writes a reason that it watches too
    And its write has landed
    When another intent writes something else there, and no reason
    And it is looked at
    Then an exception with cause drift has an owner
    And its message ends with "`amount` would be written with it, and another intent has written that since"
    And it was not written again
    When it is looked at
    Then it is found drifted and nobody else is asked

  Scenario: what is changed once more while it is written again is planned anew
    Given an intent type that has what has drifted written again
    And its write has landed
    When the target holds something else, and is changed once more when it is written again
    And it is looked at
    Then nobody is asked about it
    And it was written 3 times in all

  Scenario: what is refused when it is written again is somebody's, and is looked at all the same
    Given an intent type that has what has drifted written again
    And its write has landed
    When the target holds something else, and refuses it when it is written again
    Then an exception with cause drift has an owner
    And its message ends with "was not written again: it is refused"
    When the target holds what was approved
    And it is looked at
    Then the exception of cause drift is closed by the host

  Scenario: what somebody gave up writing again is not written again by itself
    Given an intent type that has what has drifted written again
    And its write has landed with guarantee blind
    When the target holds something else, and nobody knows whether it was written again
    Then an exception with cause uncertain has an owner
    When the owner gives that up
    And it is looked at
    Then an exception with cause drift has an owner
    And its message ends with "it was to be written again before, and is not by itself any more"
    And it was written 2 times in all

  Scenario: what was sent once more on somebody's word and is refused then stays theirs
    Given an intent type that has what has drifted written again
    And its write has landed with guarantee blind
    When the target holds something else, and nobody knows whether it was written again
    Then an exception with cause uncertain has an owner
    When the owner has it sent once more, and it is refused
    Then an exception with cause rejected has an owner

  Scenario: what somebody wants written again waits for the credential
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When the target holds something else
    And it is looked at
    And the target refuses the credential for reads too
    And the owner says re-assert
    Then an exception with cause denied has an owner
    When the credential is taken again, and the owner says retry
    And 2 hours pass
    Then it is written again, and the exception is closed

  Scenario: what waits for another intent does not wait for ever
    Given an intent type that has what has drifted written again
    And its write has landed with guarantee by-natural-key
    When the target holds something else, and is busy when it is written again
    And another intent is writing something else there
    And 25 hours pass
    Then it is not written again, and goes on being looked at
    And an exception with cause drift has an owner
    And its message ends with "was not written again: another intent is writing there"

  Scenario: what waits to go out again is overtaken by what another intent has written
    Given an intent type that has what has drifted written again
    And its write has landed
    When the target holds something else, and is busy when it is written again
    And another intent writes something else there
    And it is tried again
    Then nobody looks at the first one any more, and it was not written again

  Scenario: a write that is being written again is told apart by its key, and the host may die in it
    Given an intent type that has what has drifted written again
    And its write has landed with guarantee by-probe
    When the target holds something else, and the host dies while it is written again
    And whoever is asked finds it there
    Then it is written again, and nobody is asked about it

  Scenario: what is changed by hand is found at once where the target tells of changes
    Given an intent type that has what has drifted put before a person
    And the target tells what has changed
    And its write has landed
    When it is looked at 8 times
    And the target holds something else
    And it tells that the record has changed
    Then an exception with cause drift has an owner
    And the log says that changes were followed up to 1

  Scenario: what is put right is found at once too
    Given an intent type that has what has drifted put before a person
    And the target tells what has changed
    And its write has landed
    When it is looked at 8 times
    And the target holds something else
    And it tells that the record has changed
    Then an exception with cause drift has an owner
    When the target holds what was approved
    And it tells that the record has changed
    Then the exception of cause drift is closed by the host

  Scenario: what it tells is nothing where it is our own write, or nobody's
    Given an intent type that has what has drifted put before a person
    And the target tells what has changed
    And its write has landed with a revision
    When it is looked at 8 times
    And it tells that the record has the revision of the write
    And it tells that some other record has changed
    Then it is not looked at again for that

  Scenario: what changes while its connection is paused is found when that goes on
    Given an intent type that has what has drifted put before a person
    And the target tells what has changed
    And its write has landed
    When it is looked at 8 times
    And an operator pauses the connection
    And the target holds something else
    And it tells that the record has changed, and nothing is asked of it for an hour
    And an operator lets the connection go on
    And some time goes by
    Then an exception with cause drift has an owner

  Scenario: what was followed before the host stopped is not asked for again
    Given an intent type that has what has drifted put before a person
    And the target tells what has changed
    And its write has landed
    When it is looked at 8 times
    And the target holds something else
    And it tells that the record has changed
    Then an exception with cause drift has an owner
    When the host starts again, and the target holds what was approved
    And it tells that the record has changed
    Then the exception of cause drift is closed by the host
    And the target was asked to go on from 1
    And the log says that changes were followed up to 2

  Scenario: a place that the target does not know any more is dropped
    Given an intent type that has what has drifted put before a person
    And the target tells what has changed
    And its write has landed
    When it is looked at 8 times
    And the target holds something else
    And it tells that the record has changed
    Then an exception with cause drift has an owner
    When the target has forgotten where it was asked to go on, and holds what was approved
    And it tells that the record has changed
    And some time goes by
    Then the exception of cause drift is closed by the host

  Scenario: what the target says is not lost where it does not answer just then
    Given an intent type that has what has drifted put before a person
    And the target tells what has changed
    And its write has landed
    When it is looked at 8 times
    And the target holds something else
    And the target answers nothing
    And it tells that the record has changed
    And some time goes by
    Then an exception with cause drift has an owner
