; Runs before the uninstaller removes the program. Its box "Delete the application data" also empties the keychain, which the
; uninstaller itself knows nothing of.
!macro NSIS_HOOK_PREUNINSTALL
  ${If} $DeleteAppDataCheckboxState = 1
  ${AndIf} $UpdateMode <> 1
    nsExec::Exec '"$INSTDIR\answerback.exe" --forget'
  ${EndIf}
!macroend
