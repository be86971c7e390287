Feature: Undo
  Where an intent type says `undo`, all of an intent stands or none of it does: when one of its writes is refused,
  nothing more of it is sent, what nobody knows of is looked for, and what landed is taken back, last first. What cannot
  be taken back has somebody who answers for it.

  Scenario: what landed before a refusal is taken back, last first
    Given an intent that writes to one, then two, then three, and says undo
    When three refuses
    And it is asked for and approved
    Then the whole of it is undone
    And these were written: one, two, three, undo of two, undo of one
    And its one exception, rejected, is closed by undo

  Scenario: where nothing had landed nothing is taken back
    Given an intent that writes to one, then two, then three, and says undo
    When one refuses
    And it is asked for and approved
    Then the whole of it is undone
    And these were written: one

  Scenario: what its target held already is not taken back
    Given an intent that writes to one, then two, then three, and says undo
    And two holds already what is written to it
    When three refuses
    And it is asked for and approved
    Then the whole of it is undone
    And these were written: one, three, undo of one

  Scenario: what the host itself refuses takes nothing back
    Given an intent that writes to one, then two, then three, and says undo
    When three answers nothing until the host is started again with another connector there
    And it is asked for and approved
    Then an exception with cause rejected is open for three
    And nothing was taken back
    When three has its connector again
    And its owner closes it by retry
    Then three is looked for before anything is sent there

  Scenario: what cannot be looked for is no reason to take the rest back
    Given an intent that writes to one, then two, then three, and says hold
    When three answers nothing until the host is started again with another connector there
    And it is asked for and approved
    Then an exception with cause rejected is open for three
    When its owner closes it by undo
    And 1 minute passes
    Then an exception with cause rejected is open for three
    And nothing was taken back

  Scenario: what an intent type holds stays as it is until somebody has it taken back
    Given an intent that writes to one, then two, then three, and says hold
    When three refuses
    And it is asked for and approved
    Then an exception with cause rejected is open for three
    And these were written: one, two, three
    When its owner closes it by undo
    And whoever is asked finds nothing there
    And 1 minute passes
    Then the whole of it is undone
    And these were written: one, two, three, undo of two, undo of one

  Scenario: what cannot be taken back is told to somebody, and the rest is taken back
    Given an intent that writes to one, then two, then three, and says undo
    And what is written to two cannot be taken back
    When three refuses
    And it is asked for and approved
    Then an exception with cause irreversible is open for two
    And these were written: one, two, three, undo of one
    And it can only be closed by give-up
    When its owner closes it by give-up
    Then the whole of it is done

  Scenario: an undo that is refused waits for somebody, and holds up those after it
    Given an intent that writes to one, then two, then three, and says undo
    When three refuses
    And two refuses to take back what it wrote
    And it is asked for and approved
    Then an exception with cause rejected is open for the undo of two
    And these were written: one, two, three, undo of two
    When two takes back what it wrote
    And its owner closes it by retry
    And whoever is asked finds nothing there
    And 1 minute passes
    Then the whole of it is undone
    And these were written: one, two, three, undo of two, undo of two, undo of one

  Scenario: nothing is taken back while nobody knows whether something else is in
    Given an intent that writes to one, then to two and three, and says undo
    When three refuses while two never answers and can be asked nothing
    And it is asked for and approved
    Then an exception with cause uncertain is open for two
    And nothing was taken back
    And it cannot be closed by retry
    When its owner closes it by give-up
    Then the whole of it is undone
    And only one was taken back

  Scenario: what was to be tried again is looked for instead
    Given an intent that writes to one, then to two and three, and says undo
    When three refuses while two is too busy
    And it is asked for and approved
    And whoever is asked finds nothing there
    And 1 minute passes
    Then the whole of it is undone
    And two was sent nothing more
    And only one was taken back

  Scenario: an undo lands once although the host dies in it
    Given an intent that writes to one, then two, then three, and says undo
    When three refuses
    And the host dies while two takes back what it wrote
    And it is asked for and approved
    And the next look finds it there
    Then the whole of it is undone
    And these were written: one, two, three, undo of two, undo of one
