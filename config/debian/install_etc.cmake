# Run by `cmake --install`, since the prefix is known only then: writes what an administrator edits, and the unit that
# names it. It goes to /etc where the prefix is /usr, else to PREFIX/etc, where luna-server looks for it
# (DefaultConfig, server/config/shipped.h). What is there already is kept: it may have been edited.
set(prefix "${CMAKE_INSTALL_PREFIX}")
if(prefix STREQUAL "/usr")
  set(etc /etc)
else()
  set(etc "${prefix}/etc")
endif()
set(config "${CMAKE_CURRENT_LIST_DIR}/..")

# install_kept(SOURCE TARGET PERMISSIONS...): a file below `etc`.
function(install_kept source target)
  set(path "$ENV{DESTDIR}${etc}/${target}")
  if(EXISTS "${path}")
    message(STATUS "Kept: ${path}")
    return()
  endif()
  cmake_path(GET target PARENT_PATH folder)
  cmake_path(GET target FILENAME name)
  file(INSTALL "${source}" DESTINATION "${etc}/${folder}" RENAME "${name}" PERMISSIONS ${ARGN})
endfunction()

set(everybody_reads OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
install_kept("${config}/models.yaml" luna/models.yaml ${everybody_reads})
install_kept("${config}/prompts/companion.ko.txt" luna/prompts/companion.ko.txt ${everybody_reads})
install_kept("${CMAKE_CURRENT_LIST_DIR}/default" default/luna OWNER_READ OWNER_WRITE)

set(unit "${prefix}/lib/systemd/system/luna.service")
message(STATUS "Installing: $ENV{DESTDIR}${unit}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/luna.service.in" "$ENV{DESTDIR}${unit}" @ONLY)
list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${unit}")
